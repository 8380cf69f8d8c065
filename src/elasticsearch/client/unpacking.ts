/**
 * @module Answers unpacked within a limit. The client bounds what comes over the wire, and then unpacks all of it at once:
 * of a megabyte of gzip, which nobody has to ask for, gigabytes.
 */
import { type ConnectionRequestResponse, errors } from '@elastic/elasticsearch';

/** A body that is not what its header says. */
export class WrongPacking extends Error {}

/** The answer with its body unpacked. One of more than `maxBytes` is refused like a plain answer of that size. */
export async function unpacked(
  answer: ConnectionRequestResponse,
  maxBytes: number,
): Promise<ConnectionRequestResponse> {
  const { 'content-encoding': encoding = '', ...headers } = answer.headers;
  if (encoding === '' || /^identity$/i.test(String(encoding))) return answer;
  if (!Buffer.isBuffer(answer.body) || !/gzip|deflate/i.test(String(encoding)))
    throw new WrongPacking(`it is packed as ${encoding}, which jobsweep neither asks for nor reads`);
  return { ...answer, headers, body: (await unpack(answer.body, String(encoding), maxBytes)).toString() };
}

async function unpack(packed: Buffer, encoding: string, maxOutputLength: number): Promise<Buffer> {
  if (packed.length === 0) return packed;
  // Loaded on demand: few clusters pack their answers, and loading is a part of each cold start.
  const { inflateRaw, unzip } = await import('node:zlib');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  // "deflate" is meant to have a header of zlib. Some servers leave it out, and browsers and curl read both.
  const isRaw = /deflate/i.test(encoding) && !hasZlibHeader(packed);
  (isRaw ? inflateRaw : unzip)(packed, { maxOutputLength }, (error, plain) => {
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
            ? `its ${encoding} body is cut short`
            : `its header says ${encoding}, and its body is not: ${error.message}`,
        ),
      );
  });
  return promise;
}

/** The first two bytes name the method, deflate, and are a multiple of 31 (RFC 1950). */
const hasZlibHeader = ([first = 0, second = 0]: Uint8Array): boolean =>
  (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
