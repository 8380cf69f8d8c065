/**
 * @module Measures the embedded Elasticsearch with up to 10,000 jobs: how long it takes to start, how much memory it
 * needs, and how long a full stats answer takes compared with `JSON.stringify` of the same value. Run it with `node
 * --expose-gc bench/embedded-elasticsearch.ts`.
 */
import { generateFleet, scaledClock, startElasticsearch } from '../simulator/index.ts';

const rounds = 9;
const filtered =
  '?filter_path=count,jobs.job_id,jobs.state,jobs.node.id,jobs.open_time,jobs.data_counts.last_data_time,jobs.model_size_stats.model_bytes';

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function timed<T>(run: () => Promise<T> | T): Promise<readonly [ms: number, result: T]> {
  const start = performance.now();
  const result = await run();
  return [performance.now() - start, result];
}

function heapMb(): number {
  global.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

async function measure(jobs: number): Promise<Record<string, string>> {
  const fleet = generateFleet({ jobs, seed: 7 });
  const before = heapMb();
  const [start, server] = await timed(() => startElasticsearch({ clock: scaledClock(), fleet, seed: 7 }));
  const heap = heapMb() - before;
  const read = async (query: string) =>
    (await fetch(`${server.url}/_ml/anomaly_detectors/_stats${query}`)).arrayBuffer();
  const body: unknown = JSON.parse(Buffer.from(await read('')).toString());
  const answer: number[] = [];
  const part: number[] = [];
  const stringify: number[] = [];
  // the measurements take turns, so that other load on the machine affects all of them equally
  for (let round = 0; round < rounds; round++) {
    answer.push((await timed(() => read('')))[0]);
    part.push((await timed(() => read(filtered)))[0]);
    stringify.push((await timed(() => JSON.stringify(body).length))[0]);
  }
  const bytes = (await read('')).byteLength;
  await server.stop();
  return {
    jobs: String(jobs),
    'start ms': start.toFixed(0),
    'heap MB': heap.toFixed(1),
    'stats MB': (bytes / 1e6).toFixed(1),
    'stats ms': median(answer).toFixed(0),
    'JSON.stringify ms': median(stringify).toFixed(0),
    ratio: (median(answer) / median(stringify)).toFixed(1),
    'filtered ms': median(part).toFixed(0),
  };
}

// the first measurement only warms up the compiler, so its result is not shown
await measure(1_000);
const rows: Record<string, string>[] = [];
for (const jobs of [1_000, 2_000, 5_000, 10_000]) rows.push(await measure(jobs));
const columns = Object.keys(rows[0] ?? {});
const lines = [
  columns,
  columns.map(() => '--:'),
  ...rows.map((row) => columns.map((column) => row[column] ?? '')),
];
process.stdout.write(`${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`);
