/** @module One run of the command: arguments in, exit code out; every error becomes a message and a code here. */
import { Command, CommanderError } from 'commander';
import { JobsweepError } from '../sweep/errors.ts';
import { printable } from '../sweep/text.ts';
import type { CommandContext, Register } from './command.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerSweep } from './commands/sweep.ts';
import type { ExitCode, Io } from './io.ts';

const commands: readonly Register[] = [registerSweep, registerSimulate];

/** Runs `jobsweep` with `args` (without node and script) and resolves with the exit code of the contract's §5. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let exit: ExitCode = 0;
  const context: CommandContext = {
    io,
    action:
      (action) =>
      async (...given) => {
        exit = await action(...given);
      },
  };
  const program = new Command('jobsweep')
    .description('Closes the idle anomaly detection jobs of an Elasticsearch cluster.')
    .showHelpAfterError('(add --help for what is possible)')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .exitOverride();
  for (const register of commands) register(program, context);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    // commander has already told the person what is wrong with the arguments, or shown the help asked for
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof JobsweepError) {
      io.stderr.write(`jobsweep: ${printable(error.message)}\n`);
      return error.exitCode;
    }
    io.stderr.write(
      `jobsweep: unexpected error, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return 1;
  }
}
