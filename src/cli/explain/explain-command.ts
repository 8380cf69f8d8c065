/** @module `jobsweep explain`: shows why a job would be closed or kept. */
import { similarNames } from '../../base/did-you-mean.ts';
import { InvalidSettingError, NoSuchJobError } from '../../base/errors.ts';
import { quote } from '../../base/text.ts';
import { ElasticsearchPast } from '../../elasticsearch/past.ts';
import { knownPastOf } from '../../sweep/advising/known-past.ts';
import { timelineOf } from '../../sweep/advising/timeline.ts';
import type { NodeLimit } from '../../sweep/closing/ledger.ts';
import { limitOf } from '../../sweep/closing/places.ts';
import type { JobSnapshot } from '../../sweep/planning/inventory.ts';
import { matcher } from '../../sweep/planning/job-patterns.ts';
import type { Found } from '../../sweep/planning/read-cluster.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import { readAllRecords, readStoredClosesOf } from '../advise/all-records.ts';
import { readPast } from '../advise/read-past.ts';
import type { CommandContext, Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { historiesOf, type PastCloses, type PastDeed, pastOf, readHistory } from '../input/history.ts';
import { wasClosed } from '../input/past-sweeps.ts';
import { readRequest } from '../input/payload.ts';
import { knownIds, openTarget, type Target } from '../input/target.ts';
import { type ExitCode, widthOf } from '../io.ts';
import { inAllForms } from '../output/forms.ts';
import { checkOutput, writeResult } from '../output/output.ts';
import { deadlineOf, planOnce, type SweepingOptions, withSweepingOptions } from '../sweep/run-sweep.ts';
import { type ExplainedPast, explain } from './explanation.ts';
import { explanationSheet, explanationText } from './explanation-text.ts';

export const registerExplain: Register = (program, context) => {
  const command = withSweepingOptions(program.command('explain'), '--history [file...]')
    .description(
      'one job: each clock, each rule, the verdict, and when it would change; with --history also its past',
    )
    .argument('[job-id]')
    .action(
      context.action((jobId: string | undefined, options: ExplainOptions) => {
        const { history, ...rest } = options;
        const files = typeof history === 'object' ? [...history] : [];
        // In `explain --history JOB`, the parser mistakes the id for the name of a file of `--history`.
        const named = jobId ?? files.pop();
        if (named === undefined)
          throw new InvalidSettingError(
            'explain: expected the id of a job, such as jobsweep explain web-logins',
          );
        const sweeping = { ...rest, ...(files.length > 0 && { history: files }) };
        // Without files, `--history` shows the job's past. With files, it names the reports of earlier sweeps, as in
        // `sweep`.
        return run(named, sweeping, context, history !== undefined && files.length === 0);
      }),
    );
  withExamples(command, [
    ['jobsweep explain web-errors --idle-for 12h', 'why a job would be closed, or would not'],
    ['jobsweep explain web-errors --history', 'the same, and when the job was opened, fed and closed'],
  ]);
};

interface ExplainOptions extends Omit<SweepingOptions, 'history'> {
  readonly history?: true | readonly string[];
}

async function run(
  jobId: string,
  options: SweepingOptions,
  { io, paint }: CommandContext,
  showsPast: boolean,
): Promise<ExitCode> {
  const read = await readRequest(options, io);
  const remainingMs = deadlineOf(options);
  const history = await readHistory(options, io);
  await checkOutput(options);
  await using target = await openTarget(read.request.cluster, options, io);
  const past = await pastOf(history, target, io.signal);
  // Plans the whole sweep, because the fuses count all jobs.
  const request = { ...read.request, dryRun: true, allowNoMatch: true };
  const { found, decisions, fuse } = await planOnce(
    { ...read, request },
    { io, paint: paint('stderr'), target, remainingMs, past },
  );
  const job = found.jobs.find((each) => each.jobId === jobId) ?? noSuchJob(jobId, found.jobs);
  const deeds = await deedsOf(job, { past, found, target, showsPast }, options, io);
  const explanation = explain({
    job,
    request,
    named: matcher(request.jobs)(job),
    identity: found.identity,
    history: decisions.find((each) => each.jobId === jobId)?.history ?? historiesOf(past).get(jobId),
    past: deeds,
    reopenedAt: past.reopenings.get(jobId),
    fuse: fuse?.name ?? null,
    places: await placesFor(job, request.close.perNode, target, io.signal),
    now: found.readAt,
    finishedTime:
      job.reportedState === 'closed' ? await readFinishedTime(jobId, target, io.signal) : undefined,
    timeline: showsPast ? await readTimeline(job, target, deeds, options, io) : undefined,
  });
  return await writeResult(
    inAllForms({
      text: () => explanationText(explanation, { width: widthOf(io.stdout), paint: paint('stdout') }),
      value: explanation,
      sheet: () => explanationSheet(explanation),
    }),
    options,
    io,
    { exit: 0 },
  );
}

/** What earlier sweeps did with the job, oldest first. If `showsPast` is set, includes the reports in Elasticsearch. */
async function deedsOf(
  { jobId }: JobSnapshot,
  {
    past,
    found,
    target,
    showsPast,
  }: {
    readonly past: PastCloses;
    readonly found: Found;
    readonly target: Target;
    readonly showsPast: boolean;
  },
  { embedded }: SweepingOptions,
  { env, signal }: CommandContext['io'],
): Promise<readonly PastDeed[]> {
  const own = past.deeds.get(jobId) ?? [];
  if (!showsPast) return own;
  const from = found.readAt - daysShown * 86_400_000;
  const stored = await readStoredClosesOf(
    { target, clusterId: found.identity.id, embedded, from, jobId, signal },
    { env },
  );
  const others = stored.filter(({ sweepId }) => !own.some((deed) => deed.sweepId === sweepId));
  return [...own, ...others].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

/** When the cluster last finished a close of the job; undefined if that cannot be read. */
async function readFinishedTime(
  jobId: string,
  { connection, clock }: Target,
  signal: AbortSignal,
): Promise<number | undefined> {
  using limit = clock.limit(10_000);
  await using reader = new ElasticsearchPast(connection, clock);
  const times = await reader.jobTimes(AbortSignal.any([signal, limit.signal]), jobId).catch(() => undefined);
  return times?.get(jobId)?.finishedTime;
}

/** How far back the timeline of a job reaches. */
const daysShown = 90;

async function readTimeline(
  job: JobSnapshot,
  target: Target,
  deeds: readonly PastDeed[],
  { embedded }: SweepingOptions,
  { env, signal }: CommandContext['io'],
): Promise<ExplainedPast> {
  const asOf = target.clock.now();
  const from = asOf - daysShown * 86_400_000;
  const ids = await knownIds(target, signal);
  await using reader = new ElasticsearchPast(target.connection, target.clock);
  const { jobId } = job;
  const records = await readAllRecords(
    { target, clusterId: [...ids][0] ?? '', embedded, from, jobId, signal },
    { env },
  );
  const read = await readPast(reader, { from, asOf, ...records, signal, jobId });
  const evidence = read.evidenceOf(job);
  return {
    sources: read.sources,
    missing: read.missing,
    events: timelineOf(evidence, knownPastOf(evidence, read.coverage, from), deeds.filter(wasClosed)),
  };
}

/**
 * How many jobs on the job's node may close at once. Listings omit the node's processors, so this reads the job's stats
 * again. If that fails, the number of processors is unknown.
 */
async function placesFor(
  { nodeId, target: id }: JobSnapshot,
  perNode: SweepRequest['close']['perNode'],
  { cluster, clock }: Awaited<ReturnType<typeof openTarget>>,
  signal: AbortSignal,
): Promise<NodeLimit | null> {
  if (nodeId === undefined || id === undefined || perNode === null) return null;
  using limit = clock.limit(10_000);
  const within = AbortSignal.any([signal, limit.signal]);
  const [stats] = perNode === 'auto' ? await cluster.jobStats(within, [id]).catch(() => []) : [];
  const processors = new Map([[nodeId, stats?.nodeProcessors]]);
  return limitOf(nodeId, perNode, { processors, largest: cluster.largestNodeProcessors() }) ?? null;
}

/** @throws {NoSuchJobError} always; the message names the most similar ids. */
function noSuchJob(jobId: string, jobs: readonly JobSnapshot[]): never {
  const alike = similarNames(
    jobId,
    jobs.map((each) => each.jobId),
  ).map((id) => quote(id));
  const hint =
    alike.length > 0
      ? `did you mean ${alike.join(' or ')}?`
      : 'jobsweep plan --all lists those that are open';
  throw new NoSuchJobError(`the cluster has no job ${quote(jobId)}; ${hint}`);
}
