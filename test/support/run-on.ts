/** @module Runs the command in simulated time: against a test's cluster, or without one. */
import { trackHttp, VirtualClock } from '../../simulator/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { type CommandOptions, type CommandResult, runCommand } from './run-command.ts';
import type { SweepSetup } from './sweep-setup.ts';

/** Runs `jobsweep` with the cluster's URL in the environment, and with the cluster's clock. */
export function runOn(
  setup: SweepSetup,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return runCommand(args, {
    clock: setup.clock,
    ...options,
    env: { ELASTICSEARCH_URL: setup.server.url, ...options.env },
  });
}

/** Runs `jobsweep` in simulated time without a cluster, for example with an address where nothing listens. */
export async function runInSimulatedTime(
  args: readonly string[],
  options: Omit<CommandOptions, 'clock'> = {},
): Promise<CommandResult> {
  using clock = new VirtualClock();
  using _tracked = trackHttp(clock);
  return await runCommand(args, { ...options, clock });
}

/** The report on standard output. */
export const reportOf = ({ stdout }: CommandResult): SweepReport => JSON.parse(stdout) as SweepReport;
