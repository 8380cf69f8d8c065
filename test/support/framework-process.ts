/**
 * @module A process in which commands of the Serverless Framework run one after another. Loading the framework and
 * compiling its validator takes two seconds, and each packaging after that takes a tenth of a second. The parent
 * process (framework-command.ts) sends the arguments of each run, and this process answers with the exit code.
 */
import { createRequire } from 'node:module';
import { endOfOutput, type FrameworkRun } from './framework-command.ts';

const require = createRequire(import.meta.url);
const command = require.resolve('serverless/bin/serverless.js');
const script = require.resolve('serverless/scripts/serverless.js');
const input = require('serverless/lib/cli/resolve-input.js') as { clear(): void };
const environment = { ...process.env };

// the command adds listeners for signals in each run
process.setMaxListeners(0);

process.on('message', ({ args, settings }: FrameworkRun) => {
  process.argv = [process.execPath, command, ...args];
  // the command adds variables in each run
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment, settings);
  process.exitCode = 0;
  input.clear();
  // the command is two scripts, so loading them again runs them again
  delete require.cache[command];
  delete require.cache[script];
  process.channel?.unref();
  require(command);
});

// Node emits this event when nothing keeps the process alive, which means that the command has finished. The channel to
// the parent keeps the process alive only between two runs.
process.on('beforeExit', (exitCode) => {
  if (!process.connected) return;
  process.channel?.ref();
  process.stdout.write(endOfOutput);
  process.stderr.write(endOfOutput);
  process.send?.(exitCode);
});
