/**
 * @module Decompresses answers up to a limit. The client limits only the bytes on the wire and then decompresses them
 * without a limit: a megabyte of gzip can become gigabytes. A server may send gzip even if the client did not ask for
 * it.
 */
import { type ConnectionRequestResponse, errors } from '@elastic/elasticsearch';

/** The body does not match its `content-encoding`. */
export class WrongPacking extends Error {}

/**
 * The answer with its body decompressed. A body of more than `maxBytes` fails in the same way as an uncompressed answer
 * of that size.
 */
export async function unpacked(
  answer: ConnectionRequestResponse,
  maxBytes: number,
): Promise<ConnectionRequestResponse> {
  const { 'content-encoding': encoding = '', ...headers } = answer.headers;
  if (encoding === '' || /^identity$/i.test(String(encoding))) return answer;
  if (!Buffer.isBuffer(answer.body) || !/gzip|deflate/i.test(String(encoding)))
    throw new WrongPacking(`it is compressed with ${encoding}, which jobsweep neither requests nor supports`);
  return { ...answer, headers, body: (await unpack(answer.body, String(encoding), maxBytes)).toString() };
}

async function unpack(packed: Buffer, encoding: string, maxOutputLength: number): Promise<Buffer> {
  if (packed.length === 0) return packed;
  // Loaded on demand: few clusters compress their answers, and loading zlib would slow each cold start.
  const { inflateRaw, unzip } = await import('node:zlib');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  // "deflate" should have a zlib header. Some servers leave it out, and browsers and curl accept both.
  const isRaw = /deflate/i.test(encoding) && !hasZlibHeader(packed);
  // With Node's default chunks of 16 kB, an answer of a megabyte would take three times as long.
  (isRaw ? inflateRaw : unzip)(packed, { maxOutputLength, chunkSize: 2 ** 16 }, (error, plain) => {
    const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
    if (!error) resolve(plain);
    else if (code === 'ERR_BUFFER_TOO_LARGE')
      reject(
        new errors.RequestAbortedError(`The content length is bigger than ${maxOutputLength}, unpacked`),
      );
    else
      reject(
        new WrongPacking(
          code === 'Z_BUF_ERROR'
            ? `its ${encoding} body is incomplete`
            : `its header says ${encoding}, but its body is not: ${error.message}`,
        ),
      );
  });
  return promise;
}

/**
 * RFC 1950: the low four bits of the first byte are 8 for deflate. The first two bytes, read as one number, are a
 * multiple of 31.
 */
const hasZlibHeader = ([first = 0, second = 0]: Uint8Array): boolean =>
  (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
