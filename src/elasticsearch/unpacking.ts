/**
 * @module Answers unpacked within a limit. The client bounds what comes over the wire, and then unpacks all of it at once:
 * of a megabyte of gzip, which nobody has to ask for, gigabytes.
 */
import { type ConnectionRequestResponse, errors } from '@elastic/elasticsearch';

/** The answer with its body unpacked; one of more than so many bytes is refused like a plain answer of that size. */
export async function unpacked(
  answer: ConnectionRequestResponse,
  mostBytes: number,
): Promise<ConnectionRequestResponse> {
  const { 'content-encoding': encoding = '', ...headers } = answer.headers;
  if (!Buffer.isBuffer(answer.body) || !/gzip|deflate/i.test(String(encoding))) return answer;
  return { ...answer, headers, body: (await unpack(answer.body, mostBytes)).toString() };
}

async function unpack(packed: Buffer, maxOutputLength: number): Promise<Buffer> {
  // loaded where it is used: few clusters pack their answers, and it is a part of each cold start
  const { unzip } = await import('node:zlib');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  unzip(packed, { maxOutputLength }, (error, plain) => {
    if (!error) resolve(plain);
    else if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') reject(error);
    else
      reject(
        new errors.RequestAbortedError(`The content length is bigger than ${maxOutputLength}, unpacked`),
      );
  });
  return promise;
}
