/** @module The process: what `bin/jobsweep.js` starts. */
import { systemClock } from '../clock.ts';
import { run } from './run.ts';

const stop = new AbortController();
// Every further signal is the same wish again: the terminal sends Ctrl-C to the whole group, a supervisor passes it on.
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => stop.abort(new DOMException(`stopped by ${name}`, 'AbortError')));

// A reader that went away (`jobsweep plan | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  clock: systemClock,
  signal: stop.signal,
});
