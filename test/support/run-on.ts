/** @module The command on a test's own world: its cluster, its time. */
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { type CommandOptions, type CommandResult, runCommand } from './run-command.ts';
import type { World } from './world.ts';

/** Runs `jobsweep` with the world's address in the environment and the world's clock. */
export function runOn(
  world: World,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return runCommand(args, {
    clock: world.clock,
    ...options,
    env: { ELASTICSEARCH_URL: world.server.url, ...options.env },
  });
}

/** The report on standard output. */
export const reportOf = ({ stdout }: CommandResult): SweepReport => JSON.parse(stdout) as SweepReport;
