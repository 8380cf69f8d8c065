/** @module Runs the command against a test's cluster, with the cluster's clock. */
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

/** The report on standard output. */
export const reportOf = ({ stdout }: CommandResult): SweepReport => JSON.parse(stdout) as SweepReport;
