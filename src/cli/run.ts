/** @module Runs the command. Every error becomes a message and an exit code here. */

import { Command, CommanderError, Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { exitCodes } from '../base/exit-codes.ts';
import { debugWarning } from '../base/quiet.ts';
import { connectionSettings } from '../settings/environment.ts';
import { runbookLink } from '../sweep/reporting/runbook.ts';
import { registerAdvise } from './advise/advise-command.ts';
import type { CommandContext, Register } from './command.ts';
import { registerDoctor } from './doctor/doctor-command.ts';
import { registerExplain } from './explain/explain-command.ts';
import { failureLines, failureOf } from './failure.ts';
import { type ExitCode, type Io, widthOf } from './io.ts';
import { type ColourChoice, colourChoices, paintFor } from './output/paint.ts';
import { wrapped } from './output/table.ts';
import { registerPlan } from './plan/plan-command.ts';
import { registerReopen } from './reopen/reopen-command.ts';
import { registerSchedules } from './schedules/schedules-command.ts';
import { registerSimulate } from './simulate/simulate-command.ts';
import { registerSweep } from './sweep/sweep-command.ts';

const commands: readonly Register[] = [
  registerPlan,
  registerSweep,
  registerExplain,
  registerReopen,
  registerAdvise,
  registerDoctor,
  registerSchedules,
  registerSimulate,
];

/** Runs `jobsweep` with `args` (without node and script) and resolves with the exit code of docs/contract.md §5. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = 0;
  // Ignores stream errors here: the code that writes results checks for errors itself, and other output may be lost.
  for (const stream of [io.stdout, io.stderr]) stream.on('error', () => undefined);
  const program = createProgram(io);
  const context: CommandContext = {
    io,
    action:
      (action) =>
      async (...given) => {
        exit = await action(...given);
      },
    paint: (output) => {
      const { color } = program.opts<{ color: ColourChoice | boolean }>();
      return paintFor(io[output], io, color === true ? 'always' : color === false ? 'never' : color);
    },
  };
  for (const register of commands) register(program, context);
  const debug = debugWarning(io.env);
  if (debug !== undefined) io.stderr.write(`jobsweep: ${debug}\n`);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    return tell(error, io);
  }
}

function createProgram(io: Io): Command {
  const codes = Object.entries(exitCodes).map(([code, means]) => `  ${code}  ${means.replaceAll('`', '')}`);
  return new Command('jobsweep')
    .description('Closes the idle anomaly detection jobs of an Elasticsearch cluster.')
    .version(manifest.version)
    .addOption(
      new Option('--color [when]', 'colours: auto is a terminal without NO_COLOR')
        .choices(colourChoices)
        .default('auto')
        .preset('always'),
    )
    .option('--no-color', 'no colours')
    .addHelpText('after', () => environmentText(widthOf(io.stdout)))
    .addHelpText('after', `\nExit codes:\n${codes.join('\n')}\n  what to do: ${runbookLink('exit-codes')}`)
    .showHelpAfterError('(add --help to see the commands and options)')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .exitOverride();
}

const settingsPage = 'https://github.com/jobsweep/jobsweep/blob/main/docs/reference.md#settings';

/** The environment variables that configure a cluster. The settings in a clusters file have the same names. */
function environmentText(width = 80): string {
  const names = Object.entries(connectionSettings);
  const widest = Math.max(...names.map(([name]) => name.length));
  const lines = names.flatMap(([name, means]) =>
    wrapped(`  ${name.padEnd(widest)}  ${means.replaceAll('`', '')}`, width, widest + 4),
  );
  return ['', 'Environment:', ...lines, `  all variables: ${settingsPage}`].join('\n');
}

function tell(error: unknown, io: Io): ExitCode {
  // Commander has already written its error message or the help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const failure = failureOf(error, io.signal);
  io.stderr.write(`jobsweep: ${failureLines(failure).join('\n')}\n`);
  return failure.exit;
}
