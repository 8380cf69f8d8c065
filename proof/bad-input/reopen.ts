/**
 * @module The property that must hold if the report given to `jobsweep reopen` is corrupted. The command may open only
 * jobs that the report lists as closed by a sweep.
 */
import * as fc from 'fast-check';
import { type ClusterBench, endedBadly, openClusterBench } from './command.ts';
import { anyCorruptions, type Corruption, corrupt, corruptionKinds } from './corrupt.ts';
import { anyTextCorruptions, corruptText, type TextCorruption, textCorruptionKinds } from './corrupt-text.ts';
import { decoded, type Json, type JsonObject, jsonText } from './json.ts';
import { badInput } from './property.ts';
import {
  anyReportForm,
  objectsIn,
  type ReportForm,
  reportedJob,
  reportForms,
  reportOf,
  writeReport,
} from './reports.ts';

interface Given {
  readonly jobs: readonly JsonObject[];
  readonly form: ReportForm;
  readonly corruptions: readonly Corruption[];
  readonly textCorruptions: readonly TextCorruption[];
}

interface ReopenBench extends ClusterBench {
  readonly clusterId: string;
}

/** The closed jobs. `fed` and `other-fed` have a stopped datafeed. */
const closed = ['ours-1', 'ours-2', 'fed', 'other', 'other-fed', 'kept', 'failed-to-close', 'constructor'];

/**
 * Report entries that a sweep never writes: for jobs that the sweep did not close, or with the datafeed of another job.
 */
const odd = fc.subarray([
  reportedJob('other-fed', 'error', { datafeedStopped: true, datafeedId: 'datafeed-other-fed' }),
  reportedJob('kept', 'kept', { datafeedStopped: true }),
  ...[
    'datafeed-other-fed',
    '*',
    '_all',
    '',
    '..',
    '../anomaly_detectors/other',
    'datafeed-fed,datafeed-open',
  ].map((datafeedId) => reportedJob('fed', 'closed', { datafeedStopped: true, datafeedId })),
]);

const reported = fc.shuffledSubarray(
  [
    reportedJob('ours-1', 'closed'),
    reportedJob('ours-2', 'force_closed', { verdict: 'force' }),
    reportedJob('fed', 'closed', { datafeedStopped: true, datafeedId: 'datafeed-fed' }),
    reportedJob('open', 'closed'),
    reportedJob('deleted', 'closed'),
    reportedJob('kept', 'kept'),
    reportedJob('failed-to-close', 'error', { error: { status: 500, type: 'x', reason: 'y' } }),
    reportedJob('open-fed', 'error', { datafeedStopped: true, datafeedId: 'datafeed-open-fed' }),
    reportedJob('constructor', 'closed'),
  ],
  { minLength: 1 },
);

export const reopen = badInput<Given, ReopenBench>({
  name: 'reopen',
  sentence:
    'with a corrupted report, reopen opens only jobs that the report lists as closed by a sweep, starts only their stopped datafeeds, and names one job or datafeed per request',
  outcomes: ['opened', 'started', 'refused', 'corrupted and opened', 'opened nothing'],
  toMeet: [...reportForms, ...corruptionKinds, ...textCorruptionKinds],
  given: fc.record(
    {
      jobs: fc
        .tuple(reported, fc.oneof({ weight: 3, arbitrary: fc.constant<JsonObject[]>([]) }, odd))
        .map(([true_, more]) => [...true_, ...more]),
      form: anyReportForm,
      corruptions: anyCorruptions(),
      textCorruptions: fc.oneof(
        { weight: 2, arbitrary: fc.constant<TextCorruption[]>([]) },
        anyTextCorruptions,
      ),
    },
    { noNullPrototype: true },
  ),
  open: openReopenBench,
  attempt: async ({ jobs, form, corruptions, textCorruptions }, meet, bench) => {
    for (const { kind } of [...corruptions, ...textCorruptions]) meet(kind);
    meet(form);
    const report: Json = reportOf(bench.clusterId, jobs);
    const value = corruptions.length > 0 ? corrupt(report, corruptions) : report;
    const bytes = corruptText(writeReport(value, form, jsonText), textCorruptions);
    const { requests, cluster } = bench.server;
    const from = requests.length;
    const file = await bench.write('report.json', bytes);
    const result = await bench.run(['reopen', file, '--yes']);
    const changes = requests
      .slice(from)
      .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/_has_privileges'))
      .map(({ method, path, query }) => `${method} ${path}${/force|allow/.test(query) ? `?${query}` : ''}`);
    if (result.exit === 2) meet('refused');
    else if (changes.length === 0) meet('opened nothing');
    if (changes.some((each) => each.endsWith('/_open')))
      meet(corruptions.length > 0 ? 'corrupted and opened' : 'opened');
    if (changes.some((each) => each.endsWith('/_start'))) meet('started');
    const allowed = allowedChanges(decoded(bytes), bench);
    for (const { jobId, datafeed, state } of cluster.jobs()) {
      if (datafeed?.state === 'started' && jobId !== 'open') cluster.stopDatafeed(jobId);
      if (state !== 'closed' && closed.includes(jobId)) cluster.forceCloseJob(jobId);
    }
    return [
      ...endedBadly(result),
      ...changes.filter((each) => !allowed.has(each)).map((each) => `it sent ${each}`),
      ...(result.exit === 2 && changes.length > 0 ? ['a refused report changed something'] : []),
    ];
  },
});

/**
 * The requests that `reopen` may send after reading the report. None if the report does not contain the id of this
 * cluster.
 */
function allowedChanges(text: string, { clusterId, server }: ReopenBench): ReadonlySet<string> {
  const objects = objectsIn(text);
  if (!objects.some(({ id }) => id === clusterId)) return new Set();
  const jobs = objects.flatMap(({ jobId, outcome, datafeedStopped }) =>
    typeof jobId === 'string' ? [{ jobId, outcome, datafeedStopped }] : [],
  );
  const opens = jobs
    .filter(({ outcome }) => outcome === 'closed' || outcome === 'force_closed')
    .map(({ jobId }) => `POST /_ml/anomaly_detectors/${jobId}/_open`);
  const starts = jobs
    .filter(({ datafeedStopped }) => datafeedStopped === true)
    .map(({ jobId }) => `POST /_ml/datafeeds/${server.cluster.job(jobId)?.datafeed?.datafeedId}/_start`);
  const names = closed.map((jobId) => `POST /_ml/anomaly_detectors/${jobId}/_open`);
  return new Set([...opens.filter((each) => names.includes(each)), ...starts]);
}

async function openReopenBench(): Promise<ReopenBench> {
  const stopped = { state: 'stopped', source: { every: '1m', until: '4d' } } as const;
  const bench = await openClusterBench({
    jobs: [
      ...closed.map((jobId) => ({
        jobId,
        groups: ['grp', 'ours'],
        state: 'closed' as const,
        lastData: '9d',
        openTakes: '1s',
        ...(jobId.endsWith('fed') && { datafeed: stopped }),
      })),
      { jobId: 'open', lastData: '1m', datafeed: { state: 'started', source: { every: '1m' } } },
      { jobId: 'open-fed', lastData: '5d', datafeed: stopped },
    ],
  });
  const plan = await bench.run(['plan']);
  const { cluster } = JSON.parse(plan.stdout) as { cluster: { id: string } };
  return Object.assign(bench, { clusterId: cluster.id });
}
