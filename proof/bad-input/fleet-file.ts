/**
 * @module The property that must hold if a fleet file is corrupted. In each case, `jobsweep simulate elasticsearch
 * --fleet` serves such a file, and the test queries the server.
 */
import * as fc from 'fast-check';
import { type Bench, endedBadly, openBench } from './command.ts';
import { type CorruptedFile, corruptedFile, fileThings, writeCorrupted } from './corrupted-file.ts';
import { isObject, type Json, type JsonObject } from './json.ts';
import { badInput } from './property.ts';

const partly = (shape: Readonly<Record<string, fc.Arbitrary<Json>>>) =>
  fc.record(shape, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>;

/** Usually a common value, sometimes a value that the schema allows but that makes no sense. */
const orOdd = (good: fc.Arbitrary<Json>, ...odd: readonly Json[]): fc.Arbitrary<Json> =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const longest = '104249991d';
const moment = orOdd(
  fc.constantFrom<Json>('now', '3d', '40d', '2026-11-20T02:00:00Z', 1_763_000_000_000),
  0,
  -1,
  8.64e15,
  9e15,
  -9e15,
  longest,
  '1970-01-01',
  '+275760-09-13',
  '-271821-04-20',
  '2026',
  '31 Feb 2026',
);
const duration = orOdd(fc.constantFrom<Json>('1s', '4m', '2h'), '1ms', longest);
const size = orOdd(
  fc.constantFrom<Json>('64mb', '2gb', 1_000_000),
  0,
  2 ** 53 - 1,
  '0b',
  '99999999999999999999gb',
);
const count = orOdd(fc.nat(1_000_000), 0, 2 ** 53 - 1);

const datafeed = partly({
  state: fc.constantFrom('stopped', 'started', 'stopping'),
  source: partly({ from: moment, until: moment, bytesPerRecord: count }).chain((source) =>
    duration.map((every): Json => ({ ...source, every })),
  ),
  lookback: partly({ end: moment, rate: orOdd(fc.constant<Json>(7_200), 1.000001, 1e300) }).chain(
    (lookback) => moment.map((from): Json => ({ ...lookback, from })),
  ),
  end: moment,
  queryDelay: duration,
  frequency: duration,
  stopTakes: fc.constantFrom<Json>('10s', 'never', { fails: 'no node' }),
  config: orOdd(
    fc.constantFrom<Json>({}, { scroll_size: 500 }),
    { job_id: 'other' },
    { indices: [] },
    { query_delay: null },
    { frequency: '0s' },
    { datafeed_id: ['x'], scroll_size: 'many' },
  ),
  searchCount: count,
});

const job = (index: number): fc.Arbitrary<JsonObject> =>
  partly({
    groups: fc.constantFrom(['web'], []),
    description: fc.constant('of the shop'),
    customSettings: fc.constantFrom<Json>({ jobsweep: { protect: true } }, { managed: true }),
    config: orOdd(
      fc.constantFrom<Json>({}, { results_index_name: 'own' }),
      { analysis_config: null },
      { analysis_config: { bucket_span: 'soon', detectors: [] } },
      { analysis_config: { bucket_span: '15m', detectors: [{ function: 'none' }] } },
      { job_id: 'other', groups: ['_all', '*'] },
      { custom_settings: 7, create_time: 'x' },
      { data_description: [], analysis_limits: { model_memory_limit: -1 } },
      { constructor: 1, toString: null },
    ),
    bucketSpan: duration,
    memoryLimit: size,
    created: moment,
    state: fc.constantFrom('closed', 'opening', 'opened', 'closing', 'failed'),
    openedAt: moment,
    finishedAt: moment,
    firstData: moment,
    lastData: moment,
    latestRecord: moment,
    records: count,
    modelBytes: size,
    node: fc.constantFrom<Json>('ml-0', null),
    openTakes: fc.constantFrom('1s', 'never'),
    closeTakes: fc.constantFrom<Json>('2s', 'never', { fails: 'disk full', after: '1s' }),
    askedToClose: moment,
    blocked: fc.constantFrom('delete', 'reset'),
    forecast: fc.constantFrom('started', 'finished'),
    datafeed,
  }).map((fields) => ({ jobId: `job-${index}`, ...fields }));

const fleet: fc.Arbitrary<Json> = fc
  .record(
    {
      jobs: fc.tuple(job(0), job(1)),
      more: partly({
        clusterName: fc.constant('logs'),
        nodes: orOdd(
          fc.constantFrom<Json>([{ name: 'ml-0' }], [{ name: 'ml-0', memory: '8gb', closeCapacity: 2 }]),
          [{ name: 'ml-0', memory: 0, processors: 1, closeCapacity: 1e-300 }],
          [{ name: 'ml-0' }, { name: 'ml-0' }],
          [{ name: 'ml-0', memory: 2 ** 53 - 1, processors: 2 ** 53 - 1, closeCapacity: 1e300 }],
        ),
        settings: orOdd(
          fc.constantFrom<Json>({}, { 'xpack.ml.max_open_jobs': '100' }),
          { 'xpack.ml.max_open_jobs': 'NaN' },
          { 'no.such': 'setting' },
          { 'xpack.ml.idle_job_auto_close_timeout': '1nanos' },
          { 'xpack.ml.idle_job_auto_close_timeout': '0s' },
        ),
        upgradeMode: fc.boolean(),
        unlicensed: fc.boolean(),
        users: orOdd(
          fc.constant<Json>([{ username: 'u', password: 'p', cluster: ['manage', 'manage_ml'] }]),
          [
            { username: 'u', password: 'p', roles: ['none'], cluster: ['everything'] },
            { username: 'u', password: 'q' },
          ],
        ),
        faults: fc.constantFrom<Json>(
          [{ api: 'ml.get_*', status: 503, headers: { 'retry-after': '1' }, times: 'always' }],
          [
            { api: 'info', delay: '10ms', nth: 2 },
            { api: 'ml.close_job', cut: 10, after: true, status: 200, body: {} },
          ],
        ),
        events: fc.constantFrom<Json>(
          [{ event: 'jobFails', jobId: 'job-0', at: '1ms', reason: 'x' }],
          [
            { event: 'nodeLeaves', node: 'ml-0', afterRequest: 1 },
            { event: 'upgradeModeOn', at: '1h' },
          ],
        ),
      }),
    },
    { noNullPrototype: true },
  )
  .map(({ jobs, more }): Json => ({ jobs, ...more }));

const questions = [
  '/',
  '/_ml/info',
  '/_ml/anomaly_detectors',
  '/_ml/anomaly_detectors/_stats',
  '/_ml/datafeeds',
  '/_ml/datafeeds/_stats',
  '/_cat/ml/anomaly_detectors?format=json',
];

export const fleetFile = badInput<CorruptedFile, Bench>({
  name: 'fleet-file',
  sentence:
    'a corrupted fleet file is refused with the location of each mistake, or served as a cluster that answers every request',
  outcomes: ['served', 'refused', 'answered'],
  toMeet: [...fileThings, 'corrupted and served'],
  enough: 2_000,
  given: corruptedFile(fleet),
  open: openBench,
  attempt: async (given, meet, bench) => {
    const { bytes, value } = writeCorrupted(given, meet);
    const path = await bench.write(`fleet.${given.form === 'yaml' ? 'yml' : 'json'}`, bytes);
    const crashes: unknown[] = [];
    const crash = (error: unknown) => crashes.push(error);
    process.on('uncaughtException', crash);
    try {
      const { result, answers } = await serveAndAsk(path, bench);
      const problems = [
        ...endedBadly(result),
        ...crashes.map((error) => `the simulator crashes: ${stackOf(error)}`),
      ];
      if (result.exit === 2) {
        meet('refused');
        return result.stderr.includes(path)
          ? problems
          : [...problems, `the message has no place: ${result.stderr.slice(0, 300)}`];
      }
      if (result.exit !== 0) return [...problems, `it ended with ${result.exit}`];
      meet('served');
      if (given.corruptions.length > 0) meet('corrupted and served');
      if (answers.some(({ status }) => status === 200)) meet('answered');
      // allows errors if the fleet file scripts faults, because these may cause errors on purpose
      if (value === undefined || (isObject(value) && 'faults' in value)) return problems;
      return [
        ...problems,
        ...answers.filter(({ status }) => status >= 500 || status === 0).map(describeAnswer),
      ];
    } finally {
      process.off('uncaughtException', crash);
    }
  },
});

interface Answered {
  readonly question: string;
  /** The status of the answer; 0 if there was no answer. */
  readonly status: number;
  readonly text: string;
}

const describeAnswer = ({ question, status, text }: Answered) =>
  `GET ${question}: ${status} ${text.slice(0, 300)}`;

async function serveAndAsk(path: string, bench: Bench) {
  const stop = new AbortController();
  const listening = Promise.withResolvers<string>();
  const running = bench.run(['simulate', 'elasticsearch', '--fleet', path], {
    signal: stop.signal,
    onOutput: (text) => {
      const [, url] = /^listening on (\S+)$/m.exec(text) ?? [];
      if (url) listening.resolve(url);
    },
  });
  const url = await Promise.race([listening.promise, running.then(() => undefined)]);
  const answers = url === undefined ? [] : await Promise.all(questions.map((question) => ask(url, question)));
  stop.abort(new DOMException('enough', 'AbortError'));
  return { result: await running, answers };
}

/** The credentials of the user in fleets with users. */
const headers = { authorization: `Basic ${Buffer.from('u:p').toString('base64')}` };

async function ask(url: string, question: string): Promise<Answered> {
  try {
    const response = await fetch(url + question, { headers, signal: AbortSignal.timeout(2_000) });
    return { question, status: response.status, text: await response.text() };
  } catch (error) {
    return { question, status: 0, text: String(error) };
  }
}

const stackOf = (error: unknown) => (error instanceof Error ? error.stack : String(error));
