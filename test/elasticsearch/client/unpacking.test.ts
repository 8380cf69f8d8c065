import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../simulator/clock.ts';
import { trackHttp } from '../../../simulator/track-http.ts';
import { ElasticsearchCluster } from '../../../src/elasticsearch/cluster.ts';
import { answeredAt, configOf, listOf } from '../../support/ml-answers.ts';
import { productHeaders, serve } from '../../support/scripted-server.ts';

/** How many configs a read returns from a server that sends `bytes` with the content-encoding `encoding`. */
async function configsOf(bytes: Buffer, encoding: string): Promise<number> {
  using clock = new VirtualClock(answeredAt);
  using _tracked = trackHttp(clock);
  await using server = await serve(({ response }) => {
    response.writeHead(200, { ...productHeaders, 'content-encoding': encoding }).end(bytes);
  });
  await using cluster = new ElasticsearchCluster({ address: { url: server.url } }, clock);
  return (await cluster.jobConfigs(new AbortController().signal)).length;
}

const answer = Buffer.from(JSON.stringify(listOf('jobs', [configOf('job-a')])));

describe('a compressed answer', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    // raw deflate without the zlib header, as some servers send it
    ['deflate', deflateRawSync],
    ['identity', (body: Buffer) => body],
  ])('a compressed answer is decompressed if its content-encoding is %s', async (encoding, pack) => {
    expect(await configsOf(pack(answer), encoding)).toBe(1);
  });

  it('a compressed answer is refused if it would decompress to more than the limit', async () => {
    // A gzip stream may have several members. Repeating one megabyte is cheaper than compressing 160.
    const blanks = gzipSync(Buffer.alloc(2 ** 20, ' '));
    const packed = Buffer.concat([gzipSync(answer), ...Array<Buffer>(160).fill(blanks)]);
    expect(packed.length).toBeLessThan(2 ** 18);
    await expect(configsOf(packed, 'gzip')).rejects.toMatchObject({
      name: 'UnreadableInventoryError',
      message: expect.stringContaining('it is far larger than expected'),
    });
  });

  it.each([
    ['gzip', answer, /its header says gzip, but its body is not/],
    ['deflate', answer, /its header says deflate, but its body is not/],
    ['gzip', gzipSync(answer).subarray(0, 40), /its gzip body is incomplete/],
    [
      'br',
      brotliCompressSync(answer),
      /it is compressed with br, which jobsweep neither requests nor supports/,
    ],
  ])(
    'if the %s body of a compressed answer cannot be decompressed, the error gives the reason',
    async (encoding, bytes, message) => {
      await expect(configsOf(bytes, encoding)).rejects.toMatchObject({
        name: 'UnreadableInventoryError',
        message: expect.stringMatching(message),
      });
    },
  );
});
