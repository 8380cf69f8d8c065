/** Tests the whole life of a job with plain curl, as a person would type it. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startTarget } from '../../../support/elasticsearch.ts';

const run = promisify(execFile);
const installed = spawnSync('curl', ['--version']).status === 0;

test.runIf(installed)(
  'plain curl can put, feed, open, start, stop, close, reopen, force-close and delete a job',
  async () => {
    await using target = await startTarget();
    const curl = async (method: string, path: string, body?: string, type = 'application/json') => {
      const content = body === undefined ? [] : ['-H', `content-type: ${type}`, '--data-binary', body];
      const { stdout } = await run('curl', ['-sS', '-X', method, ...content, target.url + path]);
      return stdout;
    };
    const minute = 60_000;
    const now = target.clock.now();

    const records = Array.from(
      { length: 60 },
      (_, index) => `{"index":{}}\n{"time":${now - (60 - index) * minute}}\n`,
    );
    expect(await curl('POST', '/logs/_bulk', records.join(''), 'application/x-ndjson')).toContain(
      '"errors":false',
    );
    expect(
      await curl(
        'PUT',
        '/_ml/anomaly_detectors/life?pretty',
        '{"analysis_config":{"bucket_span":"5m","detectors":[{"function":"count"}]},"data_description":{"time_field":"time"}}',
      ),
    ).toContain('"job_id": "life"');
    expect(await curl('PUT', '/_ml/datafeeds/feed', '{"job_id":"life","indices":["logs"]}')).toContain(
      '"datafeed_id":"feed"',
    );
    expect(await curl('POST', '/_ml/anomaly_detectors/life/_open')).toMatch(
      /^\{"opened":true,"node":"[\w-]+"\}$/,
    );
    expect(await curl('POST', '/_ml/datafeeds/feed/_start?start=0')).toMatch(
      /^\{"started":true,"node":"[\w-]+"\}$/,
    );
    await target.clock.advance(5 * minute);
    expect(await curl('GET', '/_cat/ml/anomaly_detectors?h=id,s,dpr')).toBe('life opened 60\n');
    expect(
      await curl(
        'POST',
        '/_ml/anomaly_detectors/life/_data',
        `{"time":${now + minute}}\n{"time":${now + 2 * minute}}`,
      ),
    ).toContain('"processed_record_count":2');
    expect(
      await curl('GET', '/_ml/anomaly_detectors/life/_stats?filter_path=jobs.data_counts.input_record_count'),
    ).toBe('{"jobs":[{"data_counts":{"input_record_count":62}}]}');
    expect(await curl('POST', '/_ml/anomaly_detectors/life/_forecast?duration=1h')).toContain(
      '"acknowledged":true',
    );
    expect(await curl('POST', '/_ml/datafeeds/feed/_stop')).toBe('{"stopped":true}');
    expect(await curl('POST', '/_ml/anomaly_detectors/life/_close')).toBe('{"closed":true}');
    expect(await curl('POST', '/_ml/anomaly_detectors/life/_open')).toContain('"opened":true');
    expect(await curl('POST', '/_ml/anomaly_detectors/life/_close?force=true')).toBe('{"closed":true}');
    expect(await curl('DELETE', '/_ml/anomaly_detectors/life')).toBe('{"acknowledged":true}');
    expect(await curl('GET', '/_ml/anomaly_detectors')).toBe('{"count":0,"jobs":[]}');
    expect(await curl('GET', '/_ml/datafeeds')).toBe('{"count":0,"datafeeds":[]}');
  },
);
