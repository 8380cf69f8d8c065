/** @module The process: what `bin/jobsweep.js` starts. */
import '../base/quiet.ts';

import { systemClock } from '../base/system-clock.ts';
import { endingSignals, flushAfterStop, outputOf } from './output/streams.ts';
import { run } from './run.ts';

const stop = new AbortController();
// Every further signal is the same wish again: the terminal sends Ctrl-C to the whole group, a supervisor passes it on.
// Without a handler, SIGHUP would end a sweep whose terminal closes, and its report with it.
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

// A reader that has stalled keeps this process waiting for its pipe. After a signal it does not wait.
const leave = () => setTimeout(() => process.exit(), flushAfterStop).unref();
if (stop.signal.aborted) leave();
else stop.signal.addEventListener('abort', leave);
