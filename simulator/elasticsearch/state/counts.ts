/** @module What the process of a job counts: its input and its buckets. */

/** The numbers in `data_counts`. Timestamps are absent until the first data sets them. */
export interface DataCounts {
  processed: number;
  inputBytes: number;
  inputFields: number;
  input: number;
  invalidDates: number;
  missingFields: number;
  outOfOrder: number;
  emptyBuckets: number;
  sparseBuckets: number;
  buckets: number;
  earliestRecord?: number | undefined;
  latestRecord?: number | undefined;
  lastData?: number | undefined;
  latestEmptyBucket?: number | undefined;
  latestSparseBucket?: number | undefined;
  logTime?: number | undefined;
}

export function noCounts(): DataCounts {
  return {
    processed: 0,
    inputBytes: 0,
    inputFields: 0,
    input: 0,
    invalidDates: 0,
    missingFields: 0,
    outOfOrder: 0,
    emptyBuckets: 0,
    sparseBuckets: 0,
    buckets: 0,
  };
}

/** `data_counts` as shown in job stats and in the answer to posted data. */
export function renderCounts(jobId: string, counts: DataCounts, fieldsPerRecord: number): object {
  return {
    job_id: jobId,
    processed_record_count: counts.processed,
    processed_field_count: Math.max(0, counts.processed * fieldsPerRecord - counts.missingFields),
    input_bytes: counts.inputBytes,
    input_field_count: counts.inputFields,
    invalid_date_count: counts.invalidDates,
    missing_field_count: counts.missingFields,
    out_of_order_timestamp_count: counts.outOfOrder,
    empty_bucket_count: counts.emptyBuckets,
    sparse_bucket_count: counts.sparseBuckets,
    bucket_count: counts.buckets,
    earliest_record_timestamp: counts.earliestRecord,
    latest_record_timestamp: counts.latestRecord,
    last_data_time: counts.lastData,
    latest_empty_bucket_timestamp: counts.latestEmptyBucket,
    latest_sparse_bucket_timestamp: counts.latestSparseBucket,
    input_record_count: counts.input,
    log_time: counts.logTime,
  };
}

/** Records that arrived together, ordered by time. */
export interface Arrival {
  readonly records: number;
  readonly bytes: number;
  readonly fields: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Adds the records of `arrival`, and the buckets that these records end, to the counts. If buckets without a record
 * come before the first new record, they are also counted as empty. `bucketSpan` is in milliseconds.
 */
export function takeArrival(counts: DataCounts, arrival: Arrival, bucketSpan: number, at: number): void {
  counts.input += arrival.records;
  counts.processed += arrival.records;
  counts.inputBytes += arrival.bytes;
  counts.inputFields += arrival.fields;
  const from = bucketOf(counts.latestRecord ?? arrival.first, bucketSpan);
  const ended = Math.max(0, bucketOf(arrival.last, bucketSpan) - from);
  counts.buckets += ended;
  const gap = bucketOf(arrival.first, bucketSpan) - from - 1;
  if (counts.latestRecord !== undefined && gap > 0) {
    counts.emptyBuckets += gap;
    counts.latestEmptyBucket = (bucketOf(arrival.first, bucketSpan) - 1) * bucketSpan;
  }
  counts.earliestRecord ??= arrival.first;
  counts.latestRecord = Math.max(counts.latestRecord ?? arrival.last, arrival.last);
  counts.lastData = at;
  counts.logTime = at;
}

export const bucketOf = (time: number, bucketSpan: number) => Math.floor(time / bucketSpan);
