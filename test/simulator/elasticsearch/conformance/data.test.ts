/** docs/elasticsearch.md §3.10: data, flush and forecast. */
import { describe, expect, test } from 'vitest';
import { embedded, errorOf, startTarget, type Target } from '../../../support/elasticsearch.ts';

const job = '/_ml/anomaly_detectors/conformance-a';

const start = 1_403_481_600_000;
const minute = 60_000;

/** A job with five-minute buckets, epoch seconds as time, and two fields. */
async function opened(changes: Record<string, unknown> = {}): Promise<Target> {
  const target = await startTarget();
  await target.openJob('conformance-a', {
    analysis_config: {
      bucket_span: '300s',
      detectors: [{ function: 'metric', field_name: 'responsetime', by_field_name: 'airline' }],
    },
    data_description: { time_field: 'time', time_format: 'epoch' },
    ...changes,
  });
  return target;
}

const record = (offsetMs: number, airline = 'AAL') =>
  JSON.stringify({
    airline,
    responsetime: '132.2046',
    sourcetype: 'x',
    time: String((start + offsetMs) / 1_000),
  });

describe('posting data to a job (elasticsearch.md §3.10)', () => {
  test('an upload to a job is answered with 202, the counts of the upload and a warning that the endpoint is deprecated', async () => {
    await using target = await opened();
    const lines = `${record(0)}\n${record(100_000, 'JZA')}\n`;

    const { status, body, headers } = await target.post(`${job}/_data`, lines);

    expect(status).toBe(202);
    expect(body).toMatchObject({
      job_id: 'conformance-a',
      processed_record_count: 2,
      processed_field_count: 4,
      input_record_count: 2,
      input_field_count: 6,
      input_bytes: lines.length,
      invalid_date_count: 0,
      missing_field_count: 0,
      out_of_order_timestamp_count: 0,
      earliest_record_timestamp: start,
      latest_record_timestamp: start + 100_000,
    });
    expect(headers.get('warning')).toContain(
      '"Posting data directly to anomaly detection jobs is deprecated, in a future major version it will be compulsory to use a datafeed"',
    );
  });

  test.each([
    ['line by line', (records: string[]) => records.join('\n')],
    ['one after another', (records: string[]) => records.join('')],
    ['as a list', (records: string[]) => `[${records.join(',')}]`],
  ])('records may be posted to a job %s', async (_how, join) => {
    await using target = await opened();

    const { body } = await target.post(
      `${job}/_data`,
      join([record(0), record(minute), record(2 * minute)]),
      {
        headers: { 'content-type': 'application/x-ndjson' },
      },
    );

    expect(body.processed_record_count).toBe(3);
  });

  test('a second upload to a job is answered with its own counts, while the job stats show the total', async () => {
    await using target = await opened();
    await target.post(`${job}/_data`, record(0));

    const { body } = await target.post(`${job}/_data`, record(minute));
    const stats = (await target.get(`${job}/_stats`)).body.jobs[0];

    expect(body.processed_record_count).toBe(1);
    expect(stats.data_counts.processed_record_count).toBe(2);
  });

  test('the counts of an upload include invalid dates, late records and missing fields', async () => {
    await using target = await opened();
    const upload = [
      record(20 * minute),
      '{"airline":"AAL","responsetime":1,"time":"yesterday"}',
      record(0),
      JSON.stringify({ airline: 'AAL', time: (start + 21 * minute) / 1_000 }),
    ];

    const { body } = await target.post(`${job}/_data`, upload.join('\n'));

    expect(body).toMatchObject({
      input_record_count: 4,
      processed_record_count: 2,
      invalid_date_count: 1,
      out_of_order_timestamp_count: 1,
      missing_field_count: 1,
      processed_field_count: 3,
    });
  });

  test('an upload may contain records of the current bucket in any order', async () => {
    await using target = await opened();

    const { body } = await target.post(`${job}/_data`, `${record(4 * minute)}\n${record(minute)}`);

    expect(body).toMatchObject({ processed_record_count: 2, out_of_order_timestamp_count: 0 });
  });

  test('the times of posted records are parsed with the pattern in the job’s time_format', async () => {
    await using target = await opened({
      data_description: { time_field: 'time', time_format: "yyyy-MM-dd'T'HH:mm:ssX" },
    });

    const { body } = await target.post(
      `${job}/_data`,
      '{"airline":"A","responsetime":1,"time":"2014-06-23T02:00:00+02"}\n{"airline":"A","responsetime":1,"time":"23.6.2014"}',
    );

    expect(body).toMatchObject({ earliest_record_timestamp: start, invalid_date_count: 1 });
  });

  test('an upload that is not JSON is refused', async () => {
    await using target = await opened();

    expect((await target.post(`${job}/_data`, '{"time":')).status).toBe(400);
  });

  test('an upload with an invalid reset_start or reset_end is refused', async () => {
    await using target = await opened();

    expect((await target.post(`${job}/_data?reset_end=1403481700`, record(0))).reason).toBe(
      "Invalid reset range parameters: 'reset_start' has not been specified.",
    );
    expect((await target.post(`${job}/_data?reset_start=soon`, record(0))).reason).toBe(
      'Query param [reset_start] with value [soon] cannot be parsed as a date or converted to a number (epoch).',
    );
    expect(
      (await target.post(`${job}/_data?reset_start=1403481700&reset_end=1403481600`, record(0))).reason,
    ).toBe("Invalid time range: end time '1403481600' is earlier than start time '1403481700'.");
    expect((await target.post(`${job}/_data?reset_start=1403481600`, record(0))).status).toBe(202);
  });

  test('a job that is not open accepts no data', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect(errorOf(await target.post(`${job}/_data`, '{"time":1}'))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'Cannot perform requested action because job [conformance-a] is not open',
    });
    expect((await target.post('/_ml/anomaly_detectors/conformance-x/_data', '{"time":1}')).reason).toBe(
      "No known job with id 'conformance-x'",
    );
  });

  embedded.each([
    ['closing', { state: 'closing', closeTakes: 'never' }],
    ['opening', { state: 'opening', openTakes: '1h' }],
    ['failed', { state: 'failed' }],
  ] as const)(
    'a job that is %s accepts neither data nor a flush, because it has no process',
    async (_state, description) => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '1d', ...description }] });

      const reasons = [
        await target.post('/_ml/anomaly_detectors/a/_data', '{"time":1}'),
        await target.post('/_ml/anomaly_detectors/a/_flush'),
      ].map(errorOf);

      expect(reasons).toEqual([
        {
          status: 409,
          type: 'status_exception',
          reason: 'Cannot process data because job [a] does not have a corresponding autodetect process',
        },
        {
          status: 409,
          type: 'status_exception',
          reason: 'Cannot flush because job [a] does not have a corresponding autodetect process',
        },
      ]);
    },
  );
});

describe('flushing a job (elasticsearch.md §3.10)', () => {
  test('a flush of a job returns the end of the last final bucket', async () => {
    await using target = await opened();
    await target.post(`${job}/_data`, `${record(0)}\n${record(7 * minute)}`);

    const { status, body } = await target.post(`${job}/_flush`);

    expect(status).toBe(200);
    expect(body).toEqual({ flushed: true, last_finalized_bucket_end: start + 5 * minute });
  });

  test('a flush with advance_time makes earlier buckets final, so that records posted for these buckets count as late', async () => {
    await using target = await opened();
    await target.post(`${job}/_data`, record(0));

    const { body } = await target.post(`${job}/_flush?advance_time=${(start + 30 * minute) / 1_000}`);
    const late = await target.post(`${job}/_data`, record(10 * minute));

    expect(body.last_finalized_bucket_end).toBe(start + 30 * minute);
    expect(late.body.out_of_order_timestamp_count).toBe(1);
  });

  test.each([
    ['start=1403481600', "Invalid flush parameters: unexpected 'start'."],
    ['end=1403481600', "Invalid flush parameters: unexpected 'end'."],
    ['calc_interim=true&end=1403481600', "Invalid flush parameters: 'start' has not been specified."],
    [
      'calc_interim=true&start=1403481700&end=1403481600',
      "Invalid time range: end time '1403481600' is earlier than start time '1403481700'.",
    ],
    [
      'advance_time=later',
      'Query param [advance_time] with value [later] cannot be parsed as a date or converted to a number (epoch).',
    ],
  ])('a flush with the invalid parameters %s is refused', async (query, reason) => {
    await using target = await opened();

    expect(await target.post(`${job}/_flush?${query}`)).toMatchObject({ status: 400, reason });
  });

  test('a flush accepts its parameters in the body', async () => {
    await using target = await opened();
    await target.post(`${job}/_data`, record(0));

    const { body } = await target.post(`${job}/_flush`, {
      calc_interim: true,
      start: '1403481600',
      end: '1403485200',
    });

    expect(body.flushed).toBe(true);
  });

  test('a closed job cannot be flushed', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect(errorOf(await target.post(`${job}/_flush`))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'Cannot perform requested action because job [conformance-a] is not open',
    });
  });
});

describe('forecasts (elasticsearch.md §3.10)', () => {
  test('a forecast request is acknowledged with an id if the job has a model, and is otherwise refused', async () => {
    await using target = await opened();

    expect(errorOf(await target.post(`${job}/_forecast`))).toEqual({
      status: 400,
      type: 'status_exception',
      reason:
        'Cannot run forecast: Forecast cannot be executed as job requires data to have been processed and modeled',
    });
    await target.post(`${job}/_data`, `${record(0)}\n${record(60 * minute)}`);
    const { body } = await target.post(`${job}/_forecast`, { duration: '3h', expires_in: '1d' });

    expect(body.acknowledged).toBe(true);
    expect(body.forecast_id).toMatch(/^[\w-]{20}$/);
  });

  test('a forecast request for a closed job is refused with 409', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect(errorOf(await target.post(`${job}/_forecast`))).toMatchObject({
      status: 409,
      reason: 'Cannot perform requested action because job [conformance-a] is not open',
    });
  });

  embedded('a finished forecast can be deleted, a running one cannot', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '1h' }] });
    const { body } = await target.post('/_ml/anomaly_detectors/a/_forecast');
    const path = `/_ml/anomaly_detectors/a/_forecast/${body.forecast_id}`;

    expect((await target.delete(path)).status).toBe(409);
    await target.clock.advance(600_000);
    expect((await target.delete(path)).body).toEqual({ acknowledged: true });
    expect(await target.delete(path)).toMatchObject({
      status: 404,
      reason: `No forecast(s) [${body.forecast_id}] exists for job [a]`,
    });
  });
});
