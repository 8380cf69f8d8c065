/** @module `jobsweep sweep`: sweeps from your own machine, and asks before it changes anything. */
import { InvalidSettingError, JobsweepError } from '../../base/errors.ts';
import { plural } from '../../base/text.ts';
import { moment, span } from '../../base/words.ts';
import { followUpsFrom } from '../../settings/follow-ups-from-settings.ts';
import { planWarnings } from '../../sweep/planning/approved-plan.ts';
import type { FollowUps } from '../../sweep/ports.ts';
import { type Round, reportOf, type SweepReport } from '../../sweep/reporting/report.ts';
import type { ReadRequest } from '../../sweep/request/read-request.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import { agreedTo, type CarriedOut, type Plan, reportPlan } from '../../sweep/sweep.ts';
import { type Attempt, allClustersOf, type ClusterResult, onEach, writeResults } from '../all-clusters.ts';
import type { CommandContext, Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { confirmed, mustAskOrHave } from '../input/ask.ts';
import { InvalidDocumentError } from '../input/document.ts';
import { type HistorySource, pastOf, readHistory } from '../input/history.ts';
import { ReportKeeper, stateFolder } from '../input/kept-reports.ts';
import { readRequest } from '../input/payload.ts';
import { flagsOf } from '../input/request-flags.ts';
import { knownIds, openTarget } from '../input/target.ts';
import { type ExitCode, type Io, widthOf } from '../io.ts';
import { checkOutput, isShownAsText, writeResult } from '../output/output.ts';
import type { Paint } from '../output/paint.ts';
import { forcedIn } from '../output/report-summary.ts';
import { reportSheet, reportText } from '../output/report-text.ts';
import { fitted } from '../output/table.ts';
import { plan } from '../plan/plan-command.ts';
import { readPlan, type SavedPlan } from '../plan/plan-file.ts';
import { announceAll, announceFailure, announceSweep } from './announce-sweep.ts';
import { closingWords, hasClosed } from './closing-words.ts';
import { noteNames } from './name-notes.ts';
import {
  type CarryingOut,
  carryOutPlan,
  deadlineOf,
  durationOption,
  exitOf,
  type Findings,
  keepRecords,
  type ManySweepsOptions,
  nodesOf,
  planOnce,
  renderingsOf,
  type Sweeping,
  storeInElasticsearch,
  withFindings,
  withManySweepsOptions,
} from './run-sweep.ts';
import { OwnFollowUps } from './wait-rounds.ts';

interface SweepOptions extends ManySweepsOptions {
  readonly dryRun?: boolean;
  readonly all?: boolean;
  readonly plan?: string;
  readonly maxAge: string;
  readonly yes?: boolean;
  readonly wait?: boolean;
  readonly save: boolean;
}

export const registerSweep: Register = (program, context) => {
  withExamples(
    withManySweepsOptions(program.command('sweep'))
      .description('close the idle jobs; shows the plan and asks first')
      .optionsGroup('Sweep:')
      .option('--dry-run', 'change nothing: the same as jobsweep plan')
      .option('--all', 'with --dry-run: list every job, also those that are busy or excluded')
      .option('--yes', 'do not ask')
      .option('--wait', 'come back for slow jobs here, instead of leaving them to a schedule')
      .option('--plan <file>', 'carry out exactly what this saved plan says, or less')
      .option('--max-age <duration>', 'with --plan: how old the plan may be', '24h')
      .option('--no-save', 'keep neither the report nor records of the jobs in the state directory')
      .action(context.action((options: SweepOptions) => sweepOrAnnounce(options, context))),
    [
      ['jobsweep sweep --idle-for 24h --exclude "capacity-*" --wait', 'show the plan, ask, and close'],
      ['jobsweep sweep --plan plan.json --yes', 'carry out a saved plan without a question'],
    ],
  );
};

/** Runs the sweep. If it fails, sends a notification about the error, and rethrows the error. */
async function sweepOrAnnounce(options: SweepOptions, context: CommandContext): Promise<ExitCode> {
  if (options.dryRun) return await planInstead(options, context);
  if (options.all)
    throw new InvalidSettingError(
      '--all: expected --dry-run with it, or jobsweep plan --all; nothing was closed',
    );
  let request: SweepRequest | undefined;
  try {
    const saved = await planOf(options, context.io);
    const read = saved ?? (await readRequest(options, context.io));
    ({ request } = read);
    return await runSweep({ read, saved }, options, context);
  } catch (error) {
    await announceFailure(error, request, options, context.io);
    throw error;
  }
}

async function planInstead(options: SweepOptions, context: CommandContext): Promise<ExitCode> {
  await planOf(options, context.io);
  return await plan(options, context);
}

async function runSweep(
  { read, saved }: { readonly read: ReadRequest; readonly saved: SavedPlan | undefined },
  options: SweepOptions,
  { io, paint }: CommandContext,
): Promise<ExitCode> {
  const remainingMs = deadlineOf(options);
  const asks = !read.request.dryRun && !options.yes;
  if (asks) mustAskOrHave(options.yes, 'sweep', io);
  const history = await readHistory(options, io);
  await checkOutput(options);
  const setup: SweepSetup = {
    saved,
    remainingMs,
    history,
    asks,
    paint: { stdout: paint('stdout'), stderr: paint('stderr') },
  };
  if (options.allClusters) return await sweepAll(read, options, io, setup);
  await using prepared = await prepare(read, options, io, setup);
  if (!(await isAgreed([prepared], io, setup))) return 4;
  const result = await prepared.act();
  const exit = await writeResult(result.renderings, options, io, result);
  await announceSweep(result, read.request, options, io);
  return exit;
}

interface SweepSetup {
  readonly saved: SavedPlan | undefined;
  readonly remainingMs: number;
  readonly history: HistorySource;
  /** Whether a person must confirm the plan. */
  readonly asks: boolean;
  readonly paint: { readonly stdout: Paint; readonly stderr: Paint };
}

/** A planned sweep of one cluster, not yet carried out. */
interface Prepared extends AsyncDisposable {
  readonly title: string;
  /** The report of the plan. */
  readonly planned: SweepReport;
  /** Whether the plan closes any job. */
  readonly willAct: boolean;
  act(): Promise<SweepResult>;
}

interface SweepResult extends ClusterResult {
  readonly report: SweepReport;
  /** The file in the state directory with the report, if it was kept. */
  readonly keptAt: string | undefined;
}

async function sweepAll(
  read: ReadRequest,
  options: SweepOptions,
  io: Io,
  setup: SweepSetup,
): Promise<ExitCode> {
  const known = await allClustersOf(options, read.request.cluster);
  const prepareOne = (cluster: string, own: Io) =>
    prepare({ ...read, request: { ...read.request, cluster } }, { ...options, known }, own, setup);
  if (!setup.asks) {
    const attempts = await onEach(known.names, options, io, async (name, own) => {
      await using prepared = await prepareOne(name, own);
      return await prepared.act();
    });
    return await writeAndAnnounce(attempts, read.request, options, io, setup);
  }
  const planned = await onEach(known.names, options, io, prepareOne);
  try {
    const ready = new Map(planned.flatMap(({ name, value }) => (value ? [[name, value] as const] : [])));
    if (!(await isAgreed([...ready.values()], io, setup))) return 4;
    const done = await onEach([...ready.keys()], options, io, async (name) => ready.get(name)?.act());
    const attempts = planned.map(({ name, failure }) => {
      const attempt = done.find((each) => each.name === name);
      return { name, value: attempt?.value, failure: attempt?.failure ?? failure };
    });
    return await writeAndAnnounce(attempts, read.request, options, io, setup);
  } finally {
    for (const { value } of planned) await value?.[Symbol.asyncDispose]();
  }
}

async function writeAndAnnounce(
  attempts: readonly Attempt<SweepResult>[],
  request: SweepRequest,
  options: SweepOptions,
  io: Io,
  setup: SweepSetup,
): Promise<ExitCode> {
  const exit = await writeResults(attempts, options, io, setup.paint.stdout);
  const sweeps = attempts.map(({ name, value, failure }) => ({ name, report: value?.report, failure }));
  await announceAll(sweeps, request, options, io);
  return exit;
}

/** Shows the plans that close jobs, and asks for a single confirmation of all these plans. */
async function isAgreed(
  all: readonly Prepared[],
  io: Io,
  { asks, paint: { stderr: paint } }: SweepSetup,
): Promise<boolean> {
  const toAct = all.filter(({ willAct }) => willAct);
  if (!asks || toAct.length === 0) return true;
  for (const { planned, title } of toAct) {
    if (all.length > 1) io.stderr.write(`${paint('strong', title)}\n\n`);
    io.stderr.write(`${reportText(planned, { width: widthOf(io.stderr), paint, isAboutToChange: true })}\n`);
  }
  if (await confirmed(question(toAct), io)) return true;
  io.stderr.write('nothing was closed\n');
  return false;
}

function question(all: readonly Prepared[]): string {
  const idle = all.reduce((sum, { planned: { counts } }) => sum + counts.idle, 0);
  const forced = all.reduce((sum, { planned }) => sum + forcedIn(planned), 0);
  const force = forced > 0 ? `, ${forced} of them with force,` : '';
  const where =
    all.length === 1
      ? all.map(({ title }) => title).join('')
      : `${all.length} clusters: ${all.map(({ title, planned: { counts } }) => `${counts.idle} on ${title}`).join(', ')}`;
  return `Close ${plural(idle, 'job')}${force} on ${where}?`;
}

async function prepare(
  read: ReadRequest,
  options: SweepOptions,
  io: Io,
  { saved, remainingMs, history, asks, paint }: SweepSetup,
): Promise<Prepared> {
  const target = await openTarget(read.request.cluster, options, io);
  try {
    if (saved) checkCluster(saved, await knownIds(target, io.signal), options);
    const past = await pastOf(history, target, io.signal);
    const sweeping: Sweeping = { io, paint: paint.stderr, target, remainingMs, past };
    const made = await planOnce(read, sweeping, saved?.planned);
    noteNames(made, asks && isShownAsText(options, io), io);
    const findings: Findings = { past, nodes: await nodesOf(made, sweeping) };
    const planned = withFindings(reportPlan(made), made, findings);
    const willAct = !read.request.dryRun && !made.fuse && planned.counts.idle > 0;
    return {
      title: target.title,
      planned,
      willAct,
      act: async () => {
        const result = {
          title: target.title,
          ...(await act(read, made, sweeping, { saved, options, asks, findings })),
        };
        const { report } = result;
        const seen = asks && willAct ? planned : undefined;
        return {
          ...result,
          exit: exitOf(report),
          changes: !report.dryRun,
          renderings: renderingsOf(report, result.plan, { io, paint: paint.stdout }, { seen }),
          sheet: () => reportSheet(report),
        };
      },
      [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
    };
  } catch (error) {
    await target[Symbol.asyncDispose]();
    throw error;
  }
}

interface Acting extends Pick<SweepSetup, 'saved' | 'asks'> {
  readonly options: SweepOptions;
  readonly findings: Findings;
}

/** Carries out the plan, keeps the report and shows how to undo the sweep. */
async function act(
  read: ReadRequest,
  made: Plan,
  sweeping: Sweeping,
  { saved, options, asks, findings }: Acting,
): Promise<
  Pick<SweepResult, 'report' | 'keptAt'> & { readonly plan: Plan; readonly closing: readonly string[] }
> {
  const { io } = sweeping;
  const followUps = chooseFollowUps(read, options, sweeping);
  const folder = options.save && !options.embedded ? stateFolder(io.env) : undefined;
  const keeper = folder === undefined ? undefined : new ReportKeeper(folder);
  const done = await allRounds(asks ? agreedTo(made) : made, sweeping, { followUps, keeper });
  const report = withFindings(done.report, done.plan, findings);
  if (!report.dryRun) await keeper?.keep(report);
  await keepRecords(folder, made);
  await storeInElasticsearch(report, done.plan, sweeping, options);
  if (keeper?.problem !== undefined && hasClosed(report))
    io.stderr.write(`jobsweep: the report could not be kept for reopen --last: ${keeper.problem}\n`);
  const isKept = keeper !== undefined && keeper.problem === undefined;
  // If standard output is a terminal, the table already shows the warnings about the saved plan.
  const changed = saved && !io.stdout.isTTY ? planWarnings(saved.planned, done.plan.found.jobs) : [];
  const closing = [...changed, ...closingWords(report, options, { isKept, io })];
  const keptAt = report.dryRun ? undefined : keeper?.keptAt;
  return { report, plan: done.plan, keptAt, closing };
}

async function planOf(options: SweepOptions, { clock }: Io): Promise<SavedPlan | undefined> {
  const maxAgeMs = durationOption('--max-age', options.maxAge, '24h');
  if (options.plan === undefined) return undefined;
  const [other] = [
    ...(options.payload === undefined ? [] : ['-p']),
    ...flagsOf(options).map(({ name }) => name),
    ...(options.allClusters ? ['--all-clusters'] : []),
    ...(options.dryRun ? ['--dry-run'] : []),
  ];
  if (other !== undefined)
    throw new InvalidSettingError(
      `--plan carries out exactly what the saved plan says, so ${other} cannot change it: leave out one of the two, or make a new plan`,
    );
  return await readPlan(options.plan, maxAgeMs, clock);
}

function checkCluster(
  { clusterId, request }: SavedPlan,
  ids: ReadonlySet<string>,
  { plan }: SweepOptions,
): void {
  if (ids.has(clusterId)) return;
  throw new InvalidDocumentError(
    `${plan} is a plan for another cluster (${clusterId}), not for the one that is called ${request.cluster} here; nothing was closed`,
  );
}

/**
 * Decides what runs the follow-ups: this command if `--wait` is set, otherwise the function, through the scheduler that
 * the environment configures. The function runs no follow-ups for the embedded cluster or for a cluster of
 * `--clusters`, because it may not have the settings of that cluster.
 */
function chooseFollowUps(
  { request }: ReadRequest,
  { wait, embedded, clusters }: SweepOptions,
  { io, target }: Sweeping,
): OwnFollowUps | FollowUps | undefined {
  if (wait) return new OwnFollowUps();
  if (embedded || clusters !== undefined) return undefined;
  return followUpsFrom({ environment: io.env, clock: target.clock, running: request.followUpOf });
}

/** Carries out the plan. The report covers the sweep and, with `--wait`, all its later rounds. */
async function allRounds(
  plan: Plan,
  sweeping: Sweeping,
  { followUps, keeper }: CarryingOut,
): Promise<Pick<CarriedOut, 'report' | 'plan'>> {
  const first = await carryOutPlan(plan, sweeping, { followUps, keeper });
  if (!(followUps instanceof OwnFollowUps)) return first;
  const rounds: [Round, ...Round[]] = [first.round];
  const endedBecause = await laterRounds(rounds, first.plan.order.planned, sweeping, { followUps, keeper });
  return { plan: first.plan, report: reportOf(rounds, endedBecause) };
}

/**
 * Adds the later rounds to `rounds`, each with its own deadline. If a due round fails, resolves with the reason instead
 * of throwing: closes were requested, so there must be a report.
 */
async function laterRounds(
  rounds: [Round, ...Round[]],
  planned: Plan['order']['planned'],
  sweeping: Sweeping,
  { followUps, keeper }: CarryingOut & { readonly followUps: OwnFollowUps },
): Promise<string | undefined> {
  const { io, target } = sweeping;
  try {
    for (let last = rounds[0]; last.followUp.followUp; ) {
      await keeper?.keep(reportOf(rounds));
      if (!io.signal.aborted) tellWait(last.followUp.followUp, sweeping);
      const request = await followUps.next(target.clock, io.signal);
      if (!request) break;
      const plan = await planOnce({ request, warnings: [] }, sweeping, planned);
      last = (await carryOutPlan(plan, sweeping, { followUps, keeper })).round;
      rounds.push(last);
    }
    return undefined;
  } catch (error) {
    if (io.signal.aborted)
      return 'stopped between two rounds: no follow-up is scheduled for the jobs that are left';
    const why = error instanceof JobsweepError ? error.message : `a bug, please report it: ${String(error)}`;
    return `the next round failed and no follow-up is scheduled for the jobs that are left: ${why}`;
  }
}

function tellWait(followUp: NonNullable<SweepReport['followUp']>, { io, target, paint }: Sweeping): void {
  if (followUp.rest) {
    const words = `${paint('notice', 'not all jobs fit into the time')}: continuing with round ${followUp.round}; Ctrl-C ends the sweep here, with its report`;
    io.stderr.write(`${fitted(words, io.stderr)}\n`);
    return;
  }
  const wait = Math.max(0, Date.parse(followUp.at) - target.clock.now()) / target.speed;
  const words = `${paint('notice', `${plural(followUp.jobs, 'job')} still closing`)}: looking again in ${span(wait)}, at ${moment(followUp.at)}; Ctrl-C ends the sweep here, with its report`;
  io.stderr.write(`${fitted(words, io.stderr)}\n`);
}
