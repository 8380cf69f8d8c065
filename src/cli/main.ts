/** @module The entry point of the process, started by `bin/jobsweep.js`. */
import '../base/quiet.ts';

import { systemClock } from '../base/system-clock.ts';
import { endingSignals, flushAfterStop, outputOf } from './output/streams.ts';
import { run } from './run.ts';

const stop = new AbortController();
// Further signals are ignored: a terminal sends Ctrl-C to the whole process group, and a supervisor such as npm may
// forward the signal again. Without a handler, closing the terminal (SIGHUP) would end the sweep without a report.
for (const name of endingSignals)
  process.on(name, () => stop.abort(new DOMException(`stopped by ${name}`, 'AbortError')));

process.exitCode = await run(process.argv.slice(2), {
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  stdin: process.stdin,
  env: process.env,
  clock: systemClock,
  signal: stop.signal,
});

// A stalled reader of the output delays the exit. After a signal, the process waits at most `flushAfterStop` for it.
const leave = () => setTimeout(() => process.exit(), flushAfterStop).unref();
if (stop.signal.aborted) leave();
else stop.signal.addEventListener('abort', leave);
