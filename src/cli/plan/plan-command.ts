/** @module `jobsweep plan`: the sweep as a dry run. */

import type { ReadRequest } from '../../sweep/request/read-request.ts';
import { reportPlan } from '../../sweep/sweep.ts';
import { allClustersOf, type ClusterResult, onEach, writeResults } from '../all-clusters.ts';
import type { CommandContext, Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { type HistorySource, pastOf, readHistory } from '../input/history.ts';
import { stateFolder } from '../input/kept-reports.ts';
import { readRequest } from '../input/payload.ts';
import { openTarget } from '../input/target.ts';
import type { ExitCode, Io } from '../io.ts';
import { checkOutput, isShownAsText, writeResult } from '../output/output.ts';
import type { Paint } from '../output/paint.ts';
import { reportSheet } from '../output/report-text.ts';
import { noteNames } from '../sweep/name-notes.ts';
import {
  deadlineOf,
  exitOf,
  keepRecords,
  type ManySweepsOptions,
  nodesOf,
  planOnce,
  renderingsOf,
  storeInElasticsearch,
  withFindings,
  withManySweepsOptions,
} from '../sweep/run-sweep.ts';
import { sealPlan } from './plan-file.ts';

export interface PlanOptions extends ManySweepsOptions {
  readonly save: boolean;
  /** List every job, including those that a report only counts. */
  readonly all?: boolean;
}

export const registerPlan: Register = (program, context) => {
  withExamples(
    withManySweepsOptions(program.command('plan'))
      .optionsGroup('Sweep:')
      .option('--all', 'list every job, also those that are busy or excluded')
      .option('--dry-run', 'has no effect: plan never changes anything')
      .option('--no-save', 'do not record what each job looks like, for advise')
      .description('show what would be closed, forced and kept, and why; changes nothing')
      .action(context.action((options: PlanOptions) => plan(options, context))),
    [
      ['jobsweep plan --idle-for 24h --exclude "capacity-*"', 'what a threshold of a day would close'],
      ['jobsweep plan --output-file plan.json', 'save a plan, for jobsweep sweep --plan plan.json'],
    ],
  );
};

export async function plan(options: PlanOptions, { io, paint }: CommandContext): Promise<ExitCode> {
  const read = await readRequest(options, io);
  const setup: PlanSetup = {
    remainingMs: deadlineOf(options),
    history: await readHistory(options, io),
    paint: { stdout: paint('stdout'), stderr: paint('stderr') },
  };
  await checkOutput(options);
  if (!options.allClusters) {
    const result = await planOn(read, options, io, setup);
    return await writeResult(result.renderings, options, io, result);
  }
  const known = await allClustersOf(options, read.request.cluster);
  const attempts = await onEach(known.names, options, io, (cluster, own) =>
    planOn({ ...read, request: { ...read.request, cluster } }, { ...options, known }, own, setup),
  );
  return await writeResults(attempts, options, io, setup.paint.stdout);
}

interface PlanSetup {
  readonly remainingMs: number;
  readonly history: HistorySource;
  readonly paint: { readonly stdout: Paint; readonly stderr: Paint };
}

async function planOn(
  read: ReadRequest,
  options: PlanOptions,
  io: Io,
  { remainingMs, history, paint }: PlanSetup,
): Promise<ClusterResult> {
  await using target = await openTarget(read.request.cluster, options, io);
  const past = await pastOf(history, target, io.signal);
  const sweeping = { io, paint: paint.stderr, target, remainingMs, past };
  const made = await planOnce({ ...read, request: { ...read.request, dryRun: true } }, sweeping);
  noteNames(made, isShownAsText(options, io), io);
  await keepRecords(options.save && !options.embedded ? stateFolder(io.env) : undefined, made);
  const nodes = await nodesOf(made, sweeping);
  await storeInElasticsearch(withFindings(reportPlan(made), made, { past, nodes }), made, sweeping, options);
  const report = withFindings(reportPlan(made, { listsAll: options.all ?? false }), made, { past, nodes });
  const sealed = sealPlan(report, read.request, made.decisions);
  return {
    exit: exitOf(report),
    title: target.title,
    renderings: renderingsOf(report, made, { io, paint: paint.stdout }, { asJson: sealed }),
    sheet: () => reportSheet(report),
  };
}
