/** Tests the whole life of a job with the official client. */
import { Client } from '@elastic/elasticsearch';
import { expect } from 'vitest';
import { embedded, startTarget } from '../../../support/elasticsearch.ts';

const plain = { accept: 'application/json', 'content-type': 'application/json' };
const minute = 60_000;

embedded.each([
  ['9.2', undefined],
  ['9.2', plain],
  ['8.19', plain],
  ['7.17', plain],
] as const)(
  'the official client can use a job from put to delete, on %s, with headers %j',
  async (stack, headers) => {
    await using target = await startTarget({ stack });
    const client = new Client({ node: target.url, maxRetries: 0, ...(headers && { headers }) });
    const { ml } = client;
    const now = target.clock.now();
    const state = async () => (await ml.getJobStats({ job_id: 'life' })).jobs[0]?.state;

    // index the documents that the datafeed will read
    await client.bulk({
      operations: Array.from({ length: 180 }, (_, index) => [
        { index: { _index: 'web-logs' } },
        { time: now - (180 - index) * minute, latency: index, service: 'shop' },
      ]).flat(),
      refresh: true,
    });
    expect((await client.count({ index: 'web-logs' })).count).toBe(180);

    // create the job with its datafeed, open the job, start the datafeed
    const job = await ml.putJob({
      job_id: 'life',
      groups: ['web'],
      analysis_config: {
        bucket_span: '15m',
        detectors: [{ function: 'mean', field_name: 'latency', by_field_name: 'service' }],
      },
      data_description: { time_field: 'time' },
      datafeed_config: { datafeed_id: 'feed', indices: ['web-logs'], query_delay: '60s' },
    });
    expect(job.analysis_config.detectors[0]?.detector_description).toBe('mean(latency) by service');
    expect((await ml.openJob({ job_id: 'life' })).opened).toBe(true);
    expect((await ml.startDatafeed({ datafeed_id: 'feed', start: '0' })).started).toBe(true);
    await target.clock.advance(10 * minute);

    // read the stats, then send data
    const stats = (await ml.getJobStats({ job_id: 'life' })).jobs[0];
    expect(stats).toMatchObject({ state: 'opened', data_counts: { processed_record_count: 180 } });
    const feed = (await ml.getDatafeedStats({ datafeed_id: 'feed' })).datafeeds[0];
    expect(feed).toMatchObject({ state: 'started', running_state: { real_time_running: true } });
    const posted = await ml.postData({
      job_id: 'life',
      data: [{ time: target.clock.now(), latency: 1, service: 'x' }],
    });
    expect(posted.processed_record_count).toBe(1);
    expect((await ml.flushJob({ job_id: 'life', calc_interim: true })).flushed).toBe(true);

    // run a forecast
    const forecast = await ml.forecast({ job_id: 'life', duration: '1d' });
    expect(forecast.acknowledged).toBe(true);
    await target.clock.advance(10 * minute);
    expect((await ml.getJobStats({ job_id: 'life' })).jobs[0]?.forecasts_stats.status).toEqual({
      finished: 1,
    });

    // stop the datafeed, then close, reopen, force-close, reset and delete the job
    expect((await ml.stopDatafeed({ datafeed_id: 'feed' })).stopped).toBe(true);
    expect((await ml.closeJob({ job_id: 'life', timeout: '1m' })).closed).toBe(true);
    expect(await state()).toBe('closed');
    const closed = (await ml.getJobStats({ job_id: 'life' })).jobs[0];
    expect(closed?.data_counts.processed_record_count).toBe(181);
    expect((await ml.openJob({ job_id: 'life' })).opened).toBe(true);
    expect((await ml.closeJob({ job_id: 'life', force: true })).closed).toBe(true);
    expect((await ml.resetJob({ job_id: 'life' })).acknowledged).toBe(true);
    expect((await ml.deleteJob({ job_id: 'life' })).acknowledged).toBe(true);
    await expect(ml.getJobs({ job_id: 'life' })).rejects.toMatchObject({ statusCode: 404 });
    expect((await ml.getDatafeeds()).count).toBe(0);
    await client.close();
  },
);

embedded('the official client waits four simulated minutes for the answer to a slow close', async () => {
  await using target = await startTarget({ jobs: [{ jobId: 'slow', lastData: '3d', closeTakes: '4m' }] });
  const client = new Client({ node: target.url, maxRetries: 0 });
  const before = target.clock.now();

  await client.ml.closeJob({ job_id: 'slow' }, { querystring: { timeout: '5m' } });

  expect(target.clock.now() - before).toBeGreaterThanOrEqual(240_000);
  await client.close();
});
