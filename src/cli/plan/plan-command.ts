/** @module `jobsweep plan`: the sweep as a dry run. */

import { reportPlan } from '../../sweep/sweep.ts';
import type { CommandContext, Register } from '../command.ts';
import { pastOf, readHistory } from '../input/history.ts';
import { stateFolder } from '../input/kept-reports.ts';
import { readPayload } from '../input/payload.ts';
import { openTarget } from '../input/target.ts';
import type { ExitCode } from '../io.ts';
import { checkOutput, writeResult } from '../output/output.ts';
import {
  deadlineOf,
  exitOf,
  keepRecords,
  planOnce,
  renderingsOf,
  type SweepingOptions,
  withFlapping,
  withSweepingOptions,
} from '../sweep/run-sweep.ts';
import { sealPlan } from './plan-file.ts';

interface PlanOptions extends SweepingOptions {
  readonly save: boolean;
}

export const registerPlan: Register = (program, context) => {
  withSweepingOptions(program.command('plan'))
    .option('--no-save', 'do not record what each job looks like, for advise')
    .description('show what would be closed, forced and kept, and why; changes nothing')
    .action(context.action((options: PlanOptions) => plan(options, context)));
};

async function plan(options: PlanOptions, { io, paint }: CommandContext): Promise<ExitCode> {
  const read = await readPayload(options.payload, io);
  const remainingMs = deadlineOf(options);
  const history = await readHistory(options, io);
  await checkOutput(options);
  await using target = await openTarget(read.request.cluster, options, io);
  const past = await pastOf(history, target, io.signal);
  const sweeping = { io, paint: paint('stderr'), target, remainingMs, past };
  const made = await planOnce({ ...read, request: { ...read.request, dryRun: true } }, sweeping);
  await keepRecords(options.save && !options.embedded ? stateFolder(io.env) : undefined, made);
  const report = withFlapping(reportPlan(made), made, past);
  const sealed = sealPlan(report, read.request, made.decisions);
  const renderings = renderingsOf(report, made, { io, paint: paint('stdout') }, sealed);
  return await writeResult(renderings, options, io, { exit: exitOf(report) });
}
