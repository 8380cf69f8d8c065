/**
 * @module A process in which the Serverless Framework packages the service again and again. Loading the framework and
 * compiling its validator takes two seconds, and each packaging after that takes a tenth of a second. The parent
 * process sends the arguments of each run, and this process answers with the exit code.
 */
import { createRequire } from 'node:module';

export interface FrameworkRun {
  readonly args: readonly string[];
  /** The path of a zip that is already built. If it is an empty string, the framework builds the zip. */
  readonly zip: string;
}

const require = createRequire(import.meta.url);
const command = require.resolve('serverless/scripts/serverless.js');
const input = require('serverless/lib/cli/resolve-input.js') as { clear(): void };

// the command adds listeners for signals in each run
process.setMaxListeners(0);

process.on('message', ({ args, zip }: FrameworkRun) => {
  process.argv = [process.execPath, command, ...args];
  process.env.JOBSWEEP_FUNCTION_ZIP = zip;
  process.exitCode = 0;
  input.clear();
  // the command is a script, so loading it again runs it again
  delete require.cache[command];
  process.channel?.unref();
  require(command);
});

// The command is done when its process could end. The channel keeps the process alive only between two runs.
process.on('beforeExit', (exitCode) => {
  if (!process.connected) return;
  process.channel?.ref();
  process.send?.(exitCode);
});
