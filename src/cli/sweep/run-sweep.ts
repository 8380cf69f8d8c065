/** @module Code shared by `plan` and `sweep`: options, planning, carrying out, progress and records. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { parseDuration } from '../../base/duration.ts';
import { InvalidSettingError } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import { printable } from '../../base/text.ts';
import { readMlNodes } from '../../elasticsearch/ml-nodes.ts';
import { storesReports } from '../../settings/report-settings.ts';
import { secretReader } from '../../settings/secrets.ts';
import type { Entry } from '../../sweep/closing/ledger.ts';
import type { PlannedJob } from '../../sweep/planning/approved-plan.ts';
import { isToAct } from '../../sweep/planning/verdict.ts';
import type { FollowUps } from '../../sweep/ports.ts';
import { freedJobs } from '../../sweep/reporting/freed-memory.ts';
import { enoughNodes, type MeasuredNode, type MlNodes } from '../../sweep/reporting/ml-nodes.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';
import { runbookSection } from '../../sweep/reporting/runbook.ts';
import type { ReadRequest } from '../../sweep/request/read-request.ts';
import { type CarriedOut, carryOut, type Plan, planSweep } from '../../sweep/sweep.ts';
import { sweepIdOf } from '../../sweep/sweep-id.ts';
import { type AllClustersOptions, withAllClusters } from '../all-clusters.ts';
import { historiesOf, type PastCloses, reopenedJobs } from '../input/history.ts';
import type { ReportKeeper } from '../input/kept-reports.ts';
import { writeRecords } from '../input/records.ts';
import { type RequestOptions, withRequestOptions } from '../input/request-flags.ts';
import { type Target, type TargetOptions, withTargetOptions } from '../input/target.ts';
import { type ExitCode, type Io, widthOf } from '../io.ts';
import { takePicture } from '../output/cluster-picture.ts';
import { json, type OutputOptions, type Renderings, withOutputOptions } from '../output/output.ts';
import type { Paint } from '../output/paint.ts';
import { reportLines } from '../output/report-lines.ts';
import { reportSheet, reportText } from '../output/report-text.ts';
import { sheetMarkdown } from '../output/sheet.ts';
import { Progress } from './progress.ts';

export interface SweepingOptions extends RequestOptions, TargetOptions, OutputOptions {
  readonly deadline: string;
  readonly history?: readonly string[];
}

/** The options of commands that support `--all-clusters`. */
export type ManySweepsOptions = SweepingOptions & AllClustersOptions;

export function withSweepingOptions(command: Command, history = historyOption): Command {
  return withOutputOptions(withHistoryOptions(withTargetOptions(withRequestOptions(command)), history));
}

export function withManySweepsOptions(command: Command): Command {
  return withOutputOptions(
    withHistoryOptions(withAllClusters(withTargetOptions(withRequestOptions(command))), historyOption),
  );
}

const historyOption = '--history <file...>';

function withHistoryOptions(command: Command, history: string): Command {
  return command
    .optionsGroup('Sweep:')
    .option('--deadline <duration>', 'how long one round may take', '15m')
    .option(
      history,
      'reports or log lines of earlier sweeps, to notice jobs that are opened again each time',
    );
}

/** The collaborators of the sweep of one cluster, shared with its later rounds (`--wait`). */
export interface Sweeping {
  readonly io: Io;
  readonly paint: Paint;
  readonly target: Target;
  readonly remainingMs: number;
  readonly past: PastCloses;
}

/** Plans a sweep or one of its later rounds (`--wait`). `planned` are the jobs of the plan that the user confirmed. */
export async function planOnce(
  { request, warnings }: ReadRequest,
  { io, paint, target, remainingMs, past }: Sweeping,
  planned?: ReadonlyMap<string, PlannedJob>,
): Promise<Plan> {
  const atMostMs = remainingMs / target.speed;
  using progress = new Progress({ output: io.stderr, clock: io.clock, atMostMs, paint });
  return await planSweep(
    {
      sweepId: sweepIdOf(request.trigger, randomUUID()),
      request,
      warnings: [...warnings, ...past.warnings],
      histories: historiesOf(past),
      comebacks: past.isGiven !== true,
      planned,
    },
    {
      cluster: target.cluster,
      clock: target.clock,
      remainingMs,
      stop: io.signal,
      observer: { notice: (message) => progress.notice(message) },
    },
  );
}

/** Records what the plan saw of each job, for `advise`. A write error does not fail the command. */
export async function keepRecords(
  folder: string | undefined,
  { order, found, decisions }: Plan,
): Promise<void> {
  if (folder === undefined || order.request.followUpOf) return;
  const verdicts = new Map(decisions.map(({ jobId, verdict }) => [jobId, verdict.verdict]));
  await writeRecords(folder, {
    clusterId: found.identity.id,
    at: found.readAt,
    jobs: found.jobs
      .filter(({ reportedState }) => reportedState !== 'closed' && reportedState !== 'unknown')
      .map((job) => ({ job, verdict: verdicts.get(job.jobId) })),
    isWhole: found.jobs.every(({ reportedState }) => reportedState !== 'unknown'),
  });
}

/** Limits for storing the report in Elasticsearch, in milliseconds: normally, and after an interrupt. */
const maxStoring = 30_000;
const maxStoringAfterStop = 1_000;

/** Stores the report in Elasticsearch if the environment asks for it. A failure is only reported on standard error. */
export async function storeInElasticsearch(
  report: SweepReport,
  plan: Plan,
  { io, target }: Pick<Sweeping, 'io' | 'target'>,
  { embedded }: TargetOptions,
): Promise<void> {
  // The embedded cluster is for trying things out, so its reports must not reach a real cluster.
  if (embedded || !storesReports(io.env)) return;
  const { storeReport } = await import('../../settings/store-report.ts');
  const problems = await storeReport({
    report,
    plan,
    provider: 'command',
    swept: target.connection,
    environment: io.env,
    readSecret: secretReader(systemClock, io.env),
    clock: io.clock,
    limitMs: io.signal.aborted ? maxStoringAfterStop : maxStoring,
    stop: io.signal.aborted ? undefined : io.signal,
  });
  for (const problem of problems)
    io.stderr.write(`jobsweep: warning: ${printable(problem)}; see ${runbookSection('report-not-stored')}\n`);
}

export interface CarryingOut {
  readonly followUps: FollowUps | undefined;
  readonly keeper: ReportKeeper | undefined;
}

/** Carries out a plan and shows the progress on standard error. */
export async function carryOutPlan(
  plan: Plan,
  { io, paint, target, remainingMs }: Sweeping,
  { followUps, keeper }: CarryingOut,
): Promise<CarriedOut> {
  const atMostMs = remainingMs / target.speed;
  using progress = new Progress({ output: io.stderr, clock: io.clock, atMostMs, paint });
  let note = (_asked: readonly Entry[]): void => undefined;
  return await carryOut(plan, {
    cluster: target.cluster,
    followUps,
    clock: target.clock,
    remainingMs,
    stop: io.signal,
    observer: {
      begun: (entries, head) => {
        note = (asked) => keeper?.asking(head, asked);
        progress.begun(entries);
      },
      asking: (asked) => {
        note(asked);
        progress.asking(asked);
      },
      settled: () => progress.settled(),
      notice: (message) => progress.notice(message),
    },
  });
}

/** What the command, but not the function, adds to a report. */
export interface Findings {
  readonly past: PastCloses;
  /** The machine learning nodes as the plan found them; undefined if they are not known. */
  readonly nodes: readonly MeasuredNode[] | undefined;
}

/** Reads the machine learning nodes, if the plan closes any job. */
export async function nodesOf(
  { decisions, fuse }: Plan,
  { target, io }: Pick<Sweeping, 'target' | 'io'>,
): Promise<Findings['nodes']> {
  if (fuse || !decisions.some(({ verdict }) => isToAct(verdict))) return undefined;
  // Uses the machine's clock, so that the user waits at most 5 s for this read. On the embedded cluster's faster clock,
  // these 5 s would be only 167 ms, too short for a slow machine.
  return await readMlNodes(target.connection, systemClock, io.signal);
}

/**
 * Adds to the report the jobs that were reopened after earlier sweeps closed them, and the number of ML nodes that
 * would be enough for the open jobs.
 */
export function withFindings(report: SweepReport, plan: Plan, { past, nodes }: Findings): SweepReport {
  const reopened = reopenedJobs(past, plan.decisions, plan.found.readAt);
  const mlNodes = nodes && enoughAfter(report, plan, nodes);
  return { ...report, ...reopened, ...(mlNodes && { mlNodes }) };
}

function enoughAfter(
  report: SweepReport,
  { open }: Plan,
  nodes: readonly MeasuredNode[],
): MlNodes | undefined {
  // After several rounds, the memory that was measured before the first round is out of date.
  if (report.fuse || report.rounds) return undefined;
  const freed = freedJobs(report);
  const others = report.jobs.filter(({ outcome }) => outcome === 'already_closed' || outcome === 'gone');
  if (freed.length === 0) return undefined;
  return enoughNodes(nodes, open, new Set([...freed, ...others].map(({ jobId }) => jobId)));
}

/** `--deadline` in milliseconds. @throws {InvalidSettingError} */
export function deadlineOf({ deadline }: Pick<SweepingOptions, 'deadline'>): number {
  return durationOption('--deadline', deadline, '15m');
}

export function durationOption(name: string, text: string, example: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1_000)
    throw new InvalidSettingError(
      `${name}: expected a duration of at least 1s, such as ${example}, got ${text}`,
    );
  return ms;
}

export interface RenderingsOptions {
  /** The value of the JSON format, if it contains more than the report. */
  readonly asJson?: object;
  /** The plan that the user has just read; the table does not repeat it. */
  readonly seen?: SweepReport | undefined;
}

/** A report in every format. The charts show the cluster as `plan` found it. */
export function renderingsOf(
  report: SweepReport,
  plan: Plan,
  { io, paint }: { readonly io: Io; readonly paint: Paint },
  { asJson = report, seen }: RenderingsOptions = {},
): Renderings {
  return {
    table: () => reportText(report, { width: widthOf(io.stdout), paint }, io.stdout.isTTY ? seen : undefined),
    json: () => json(asJson),
    ndjson: () => reportLines(report),
    markdown: () => sheetMarkdown(reportSheet(report)),
    // Loaded on demand: the chart library is large.
    html: async () => (await import('../output/html/report-page.ts')).reportHtml(report, takePicture(plan)),
  };
}

export function exitOf({ status }: SweepReport): ExitCode {
  return ({ done: 0, partial: 3, refused: 4 } as const)[status];
}
