/** @module `jobsweep sweep`: the sweep from one's own machine, with a question before it acts. */
import { Option } from 'commander';
import { followUpsFrom } from '../../follow-ups.ts';
import { JobsweepError } from '../../sweep/errors.ts';
import { plannedJobs } from '../../sweep/planned.ts';
import type { FollowUps } from '../../sweep/ports.ts';
import type { SweepReport } from '../../sweep/report.ts';
import type { ReadRequest } from '../../sweep/request.ts';
import { plural } from '../../sweep/text.ts';
import { confirmed, mustAskOrHave } from '../ask.ts';
import type { CommandContext, Register } from '../command.ts';
import { InvalidDocumentError } from '../document.ts';
import { pastOf, readHistory } from '../history.ts';
import { type ExitCode, widthOf } from '../io.ts';
import { ReportKeeper, stateFolder } from '../kept-reports.ts';
import { checkOutput, writeResult } from '../output.ts';
import { readPayload } from '../payload.ts';
import { readPlan, type SavedPlan } from '../plan-file.ts';
import { endStory, OwnFollowUps, tellRound } from '../rounds.ts';
import { reportText } from '../show/report.ts';
import { moment, span } from '../show/words.ts';
import {
  deadlineOf,
  durationOption,
  exitOf,
  type Round,
  renderingsOf,
  type Sweeping,
  type SweepingOptions,
  type Swept,
  sweepOnce,
  withSweepingOptions,
} from '../sweeping.ts';
import { knownIds, openTarget } from '../target.ts';

type Told = Pick<Swept, 'report' | 'picture'>;

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
  const plan = await planOf(options, io);
  const read: ReadRequest = plan ?? (await readPayload(options.payload, io));
  const remainingMs = deadlineOf(options);
  const asks = !read.request.dryRun && !options.yes;
  if (asks) mustAskOrHave(options.yes, 'sweep', io);
  const history = await readHistory(options, io);
  await checkOutput(options);
  await using target = await openTarget(read.request.cluster, options, io);
  if (plan) checkCluster(plan, await knownIds(target, io.signal), options);
  const past = await pastOf(history, target, io.signal);
  const sweeping: Sweeping = { io, paint: paint('stderr'), target, remainingMs, past };
  const followUps = whoComesBack(read, options, sweeping);
  const folder = options.save && !options.embedded ? stateFolder(io.env) : undefined;
  const keeper = folder === undefined ? undefined : new ReportKeeper(folder);
  const tell = async ({ report, picture }: Told) => {
    if (!report.dryRun) await keeper?.keep(report);
    if (keeper?.problem !== undefined && report.counts.closed + report.counts.forceClosed > 0)
      io.stderr.write(`jobsweep: the report could not be kept for reopen --last: ${keeper.problem}\n`);
    return await writeResult(renderingsOf({ report, picture }, { io, paint: paint('stdout') }), options, io, {
      exit: exitOf(report),
      changes: !report.dryRun,
    });
  };
  let planned = plan?.planned;
  // Where nobody looks and nobody is asked, a plan would only cost the cluster another listing.
  if (!read.request.dryRun && (asks || io.stderr.isTTY || options.embedded)) {
    const preview = await sweepOnce({ ...read, request: { ...read.request, dryRun: true } }, sweeping, {
      planned,
    });
    const { report } = preview;
    if (report.status === 'refused') return tell({ ...preview, report: { ...report, dryRun: false } });
    io.stderr.write(`${reportText(report, { width: widthOf(io.stderr), paint: sweeping.paint })}\n`);
    if (asks) {
      if (report.counts.idle > 0 && !(await confirmed(question(report), io))) {
        io.stderr.write('nothing was closed\n');
        return 4;
      }
      // What falls idle while the person reads was not agreed to.
      planned = plannedJobs(preview.entries);
    }
  }
  return tell(await allRounds(read, sweeping, { planned, followUps, keeper, recordsIn: folder }));
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

/** The sweep and, when this command comes back itself, every round that it asks for, told as one report. */
async function allRounds(read: ReadRequest, sweeping: Sweeping, round: Round): Promise<Told> {
  const { report, picture } = await sweepOnce(read, sweeping, round);
  if (!(round.followUps instanceof OwnFollowUps)) return { report, picture };
  return { report: await laterRounds(report, sweeping, round.followUps, round.keeper), picture };
}

async function laterRounds(
  first: SweepReport,
  sweeping: Sweeping,
  followUps: OwnFollowUps,
  keeper: ReportKeeper | undefined,
): Promise<SweepReport> {
  const { io, target } = sweeping;
  let story = first;
  try {
    while (story.followUp) {
      await keeper?.keep(story);
      if (!io.signal.aborted) tellWait(story.followUp, sweeping);
      const request = await followUps.next(target.clock, io.signal);
      if (!request) break;
      const { report } = await sweepOnce({ request, warnings: [] }, sweeping, { followUps, keeper });
      story = tellRound(story, report);
    }
    return story;
  } catch (error) {
    // Closes were sent: whatever happens in a later round, there is a report.
    if (io.signal.aborted)
      return endStory(story, 'stopped while jobs were still closing: nobody comes back for them');
    if (!(error instanceof JobsweepError)) throw error;
    return endStory(
      story,
      `the next look at the jobs still closing failed, and nobody comes back for them: ${error.message}`,
    );
  }
}

function tellWait(followUp: NonNullable<SweepReport['followUp']>, { io, target, paint }: Sweeping): void {
  const wait = Math.max(0, Date.parse(followUp.at) - target.clock.now()) / target.speed;
  io.stderr.write(
    `${paint('notice', `${plural(followUp.jobs, 'job')} still closing`)}: looking again in ${span(wait)}, at ${moment(followUp.at)}; an interrupt ends here, with the report\n`,
  );
}
