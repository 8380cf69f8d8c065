/** @module `jobsweep plan` and `jobsweep sweep`: the sweep from one's own machine. */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../sweep/duration.ts';
import { InvalidSettingError } from '../../sweep/errors.ts';
import type { SweepReport } from '../../sweep/report.ts';
import type { ReadRequest, SweepRequest } from '../../sweep/request.ts';
import { sweep } from '../../sweep/sweep.ts';
import { sweepIdOf } from '../../sweep-id.ts';
import type { Register } from '../command.ts';
import type { ExitCode, Io } from '../io.ts';
import { readPayload } from '../payload.ts';
import { progress } from '../progress.ts';
import { OwnFollowUps, tellRound } from '../rounds.ts';
import { reportText } from '../show/report.ts';
import { openTarget, type Target, type TargetOptions, withTargetOptions } from '../target.ts';

interface SweepOptions extends TargetOptions {
  readonly payload?: string;
  readonly output?: OutputForm;
  readonly deadline: string;
  readonly yes?: boolean;
  readonly wait?: boolean;
}

type OutputForm = 'table' | 'json';

export const registerSweep: Register = (program, { io, action }) => {
  const plan = withSweepOptions(program.command('plan'))
    .description('show what would be closed, forced and kept, and why; changes nothing')
    .action(action((options: SweepOptions) => runPlan(options, io)));
  const act = withSweepOptions(program.command('sweep'))
    .description('close the idle jobs; shows the plan and asks first')
    .option('--yes', 'do not ask')
    .option('--wait', 'come back for slow jobs here, instead of leaving them to a schedule')
    .action(action((options: SweepOptions) => runSweep(options, io)));
  void plan;
  void act;
};

function withSweepOptions(command: Command): Command {
  return withTargetOptions(command)
    .option('-p, --payload <file>', 'the request as JSON; - is standard input; without it {}')
    .option('--deadline <duration>', 'how long one round may take', '15m')
    .addOption(
      new Option('-o, --output <form>', 'the form of the result (table on a terminal, else json)').choices([
        'table',
        'json',
      ]),
    );
}

async function runPlan(options: SweepOptions, io: Io): Promise<ExitCode> {
  const read = await readPayload(options.payload, io);
  const remainingMs = deadlineOf(options);
  await using target = await openTarget(read.request.cluster, options, io);
  const report = await oneSweep(
    { ...read, request: { ...read.request, dryRun: true } },
    target,
    remainingMs,
    io,
  );
  show(report, options, io);
  return exitOf(report);
}

async function runSweep(options: SweepOptions, io: Io): Promise<ExitCode> {
  const read = await readPayload(options.payload, io);
  const remainingMs = deadlineOf(options);
  const asks = !options.yes && !read.request.dryRun;
  if (asks && !(io.stdin.isTTY && io.stderr.isTTY)) {
    throw new InvalidSettingError(
      'a sweep without a terminal to ask on needs --yes (jobsweep plan shows what it would do)',
    );
  }
  await using target = await openTarget(read.request.cluster, options, io);
  if (!read.request.dryRun) {
    const plan = await oneSweep(
      { ...read, request: { ...read.request, dryRun: true } },
      target,
      remainingMs,
      io,
    );
    io.stderr.write(`${reportText(plan, io.stderr.columns)}\n`);
    if (asks && plan.status !== 'refused' && !(await confirmed(plan, io))) {
      io.stderr.write('nothing was closed\n');
      return 4;
    }
  }
  const report = await allRounds(read, target, remainingMs, options, io);
  show(report, options, io);
  return exitOf(report);
}

async function allRounds(
  read: ReadRequest,
  target: Target,
  remainingMs: number,
  options: SweepOptions,
  io: Io,
): Promise<SweepReport> {
  const own = options.wait ? new OwnFollowUps() : undefined;
  let report = await oneSweep(read, target, remainingMs, io, own);
  for (;;) {
    let next: SweepRequest | undefined;
    try {
      if (report.followUp)
        io.stderr.write(`waiting until ${report.followUp.at} to look at the slow jobs again\n`);
      next = await own?.next(target.clock, io.signal);
    } catch {
      // told to stop while waiting: what is closing goes on closing, and nobody comes back for it
      return {
        ...report,
        status: 'partial',
        followUp: null,
        warnings: [...report.warnings, 'stopped while waiting for the next round'],
      };
    }
    if (!next) return report;
    report = tellRound(report, await oneSweep({ request: next, warnings: [] }, target, remainingMs, io, own));
  }
}

async function oneSweep(
  { request, warnings }: ReadRequest,
  target: Target,
  remainingMs: number,
  io: Io,
  followUps?: OwnFollowUps,
): Promise<SweepReport> {
  const shown = progress(io.stderr);
  const order = { sweepId: sweepIdOf(request.trigger, randomUUID()), request, warnings };
  try {
    const observer = request.dryRun ? {} : shown;
    return await sweep(order, {
      cluster: target.cluster,
      followUps,
      clock: target.clock,
      remainingMs,
      stop: io.signal,
      observer,
    });
  } finally {
    shown.end();
  }
}

async function confirmed(plan: SweepReport, io: Io): Promise<boolean> {
  const questions = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await questions.question(
      `Close ${plan.counts.idle} of ${plan.counts.open} open jobs? [y/N] `,
      { signal: io.signal },
    );
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false; // interrupted, or the terminal closed
  } finally {
    questions.close();
  }
}

function deadlineOf({ deadline }: SweepOptions): number {
  const ms = parseDuration(deadline);
  if (ms === undefined || ms < 1_000)
    throw new InvalidSettingError(`--deadline: expected a duration of at least 1s, as 15m, got ${deadline}`);
  return ms;
}

function show(report: SweepReport, { output }: SweepOptions, io: Io): void {
  const form = output ?? (io.stdout.isTTY ? 'table' : 'json');
  io.stdout.write(
    form === 'json' ? `${JSON.stringify(report, null, 2)}\n` : reportText(report, io.stdout.columns),
  );
}

function exitOf({ status }: SweepReport): ExitCode {
  return { done: 0, partial: 3, refused: 4 }[status] as ExitCode;
}
