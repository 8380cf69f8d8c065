/** @module `jobsweep sweep`: the sweep from one's own machine, with a question before it acts. */
import { Option } from 'commander';
import { JobsweepError } from '../../base/errors.ts';
import { plural } from '../../base/text.ts';
import { followUpsFrom } from '../../settings/follow-ups-from-settings.ts';
import type { FollowUps } from '../../sweep/ports.ts';
import { type Round, reportOf, type SweepReport } from '../../sweep/reporting/report.ts';
import type { ReadRequest } from '../../sweep/request/read-request.ts';
import { agreedTo, type CarriedOut, type Plan, reportPlan } from '../../sweep/sweep.ts';
import type { CommandContext, Register } from '../command.ts';
import { confirmed, mustAskOrHave } from '../input/ask.ts';
import { InvalidDocumentError } from '../input/document.ts';
import { pastOf, readHistory } from '../input/history.ts';
import { ReportKeeper, stateFolder } from '../input/kept-reports.ts';
import { readPayload } from '../input/payload.ts';
import { knownIds, openTarget } from '../input/target.ts';
import { type ExitCode, widthOf } from '../io.ts';
import { checkOutput, writeResult } from '../output/output.ts';
import { reportText } from '../output/report-text.ts';
import { moment, span } from '../output/words.ts';
import { readPlan, type SavedPlan } from '../plan/plan-file.ts';
import {
  type CarryingOut,
  carryOutPlan,
  deadlineOf,
  durationOption,
  exitOf,
  keepRecords,
  planOnce,
  renderingsOf,
  type Sweeping,
  type SweepingOptions,
  withFlapping,
  withSweepingOptions,
} from './run-sweep.ts';
import { OwnFollowUps } from './wait-rounds.ts';

interface SweepOptions extends SweepingOptions {
  readonly plan?: string;
  readonly maxAge: string;
  readonly yes?: boolean;
  readonly wait?: boolean;
  readonly save: boolean;
}

export const registerSweep: Register = (program, context) => {
  withSweepingOptions(program.command('sweep'))
    .description('close the idle jobs; shows the plan and asks first')
    .option('--yes', 'do not ask')
    .option('--wait', 'come back for slow jobs here, instead of leaving them to a schedule')
    .addOption(
      new Option('--plan <file>', 'carry out exactly what this saved plan says, or less').conflicts(
        'payload',
      ),
    )
    .option('--no-save', 'keep neither the report nor records of the jobs in the state directory')
    .option('--max-age <duration>', 'how old that plan may be', '24h')
    .action(context.action((options: SweepOptions) => runSweep(options, context)));
};

async function runSweep(options: SweepOptions, { io, paint }: CommandContext): Promise<ExitCode> {
  const saved = await planOf(options, io);
  const read: ReadRequest = saved ?? (await readPayload(options.payload, io));
  const remainingMs = deadlineOf(options);
  const asks = !read.request.dryRun && !options.yes;
  if (asks) mustAskOrHave(options.yes, 'sweep', io);
  const history = await readHistory(options, io);
  await checkOutput(options);
  await using target = await openTarget(read.request.cluster, options, io);
  if (saved) checkCluster(saved, await knownIds(target, io.signal), options);
  const past = await pastOf(history, target, io.signal);
  const sweeping: Sweeping = { io, paint: paint('stderr'), target, remainingMs, past };
  const followUps = whoComesBack(read, options, sweeping);
  const made = await planOnce(read, sweeping, saved?.planned);
  const willAct = !read.request.dryRun && !made.fuse;
  if (willAct && (asks || io.stderr.isTTY || options.embedded)) {
    const report = reportPlan(made);
    io.stderr.write(`${reportText(report, { width: widthOf(io.stderr), paint: sweeping.paint })}\n`);
    if (asks && report.counts.idle > 0 && !(await confirmed(question(report), io))) {
      io.stderr.write('nothing was closed\n');
      return 4;
    }
  }
  const folder = options.save && !options.embedded ? stateFolder(io.env) : undefined;
  const keeper = folder === undefined ? undefined : new ReportKeeper(folder);
  const done = await allRounds(asks ? agreedTo(made) : made, sweeping, { followUps, keeper });
  const report = withFlapping(done.report, done.plan, past);
  if (!report.dryRun) await keeper?.keep(report);
  await keepRecords(folder, made);
  if (keeper?.problem !== undefined && report.counts.closed + report.counts.forceClosed > 0)
    io.stderr.write(`jobsweep: the report could not be kept for reopen --last: ${keeper.problem}\n`);
  const renderings = renderingsOf(report, done.plan, { io, paint: paint('stdout') });
  return await writeResult(renderings, options, io, { exit: exitOf(report), changes: !report.dryRun });
}

function question({ counts, jobs, cluster }: SweepReport): string {
  const forced = jobs.filter(({ verdict }) => verdict === 'force').length;
  const force = forced > 0 ? `, ${forced} of them with force,` : '';
  return `Close ${plural(counts.idle, 'job')}${force} of ${counts.open} open on the cluster ${cluster.name}?`;
}

async function planOf(
  { plan, maxAge }: SweepOptions,
  { clock }: Sweeping['io'],
): Promise<SavedPlan | undefined> {
  const maxAgeMs = durationOption('--max-age', maxAge, '24h');
  return plan === undefined ? undefined : readPlan(plan, maxAgeMs, clock);
}

function checkCluster(
  { clusterId, request }: SavedPlan,
  ids: ReadonlySet<string>,
  { plan }: SweepOptions,
): void {
  if (ids.has(clusterId)) return;
  throw new InvalidDocumentError(
    `${plan} is the plan of another cluster (${clusterId}) than the one that is called ${request.cluster} here; nothing was closed`,
  );
}

/**
 * This command with `--wait`; else the scheduler of the environment, which wakes the function. That one knows clusters
 * by its own settings, so it is not told of a cluster that only this command knows.
 */
function whoComesBack(
  { request }: ReadRequest,
  { wait, embedded, clusters }: SweepOptions,
  { io, target }: Sweeping,
): OwnFollowUps | FollowUps | undefined {
  if (wait) return new OwnFollowUps();
  if (embedded || clusters !== undefined) return undefined;
  return followUpsFrom({ environment: io.env, clock: target.clock, running: request.followUpOf });
}

/** The sweep and, when this command comes back itself, every round that follows, as one report. */
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
 * Adds the later rounds to `rounds`, each with a deadline of its own. Resolves with the reason when a round that is due
 * does not come: closes were sent, so there is a report in any case.
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
    io.stderr.write(
      `${paint('notice', 'not all jobs fit into the time')}: going on with round ${followUp.round}; an interrupt ends here, with the report\n`,
    );
    return;
  }
  const wait = Math.max(0, Date.parse(followUp.at) - target.clock.now()) / target.speed;
  io.stderr.write(
    `${paint('notice', `${plural(followUp.jobs, 'job')} still closing`)}: looking again in ${span(wait)}, at ${moment(followUp.at)}; an interrupt ends here, with the report\n`,
  );
}
