/** @module `docs/streams-and-signals.md`, from the cases that the tests hold with real processes. */
import { functionRows, rows, stageTitles, words } from '../../test/interruptions/cells.ts';
import { stages } from '../../test/interruptions/victim.ts';
import { table } from './markdown.ts';

export function streamsPage(): string {
  return `# Streams and signals

What happens when a signal comes, or when a stream or file goes away, at each stage of a sweep. This page is generated
from [the cases](../test/interruptions/cells.ts) that [a test](../test/interruptions/cells.test.ts) holds with real
processes, pipes and terminals: change it with \`npm run docs\`.

## The command

"Closes all" means that the sweep goes on to its end. The report in the state directory is in
\`$XDG_STATE_HOME/jobsweep\`, else \`~/.local/state/jobsweep\`: \`jobsweep reopen --last\` undoes the newest.

${table(
  ['what', ...stages.map((stage) => stageTitles[stage])],
  rows.map(({ what, cells }) => [what, ...stages.map((stage) => words(cells[stage]))]),
)}

- SIGINT, SIGTERM and SIGHUP end a sweep within ten seconds. What was not asked by then is \`not_attempted\`.
- SIGQUIT and SIGKILL end the process at once. Each job is noted in the state directory before its close request leaves,
  so that \`reopen --last\` knows the jobs.
- \`nohup\` does not shield a sweep: Node resets the signals that it inherits as ignored. \`setsid jobsweep sweep --yes\`
  gives it a session of its own, which no terminal ends.
- A reader that stalls, or a terminal that is stopped with Ctrl-S, does not stop the sweep. At its end the command waits
  for the reader, after a signal for a second at most.
- SIGPIPE and SIGXFSZ are ignored, as Node does: the write fails instead.
- \`plan\`, \`explain\`, \`doctor\` and \`schedules list\` change nothing: a reader that leaves early (\`jobsweep plan | head\`) is no
  error, and a result that cannot be written for any other reason is exit 1.
- \`reopen\` and \`schedules apply|pause|resume|delete\` report as a sweep does: to standard error where the result cannot be
  written, with an exit of at least 3.

## The function

${table(['what', stageTitles.start, stageTitles.closing, stageTitles.report], functionRows)}

Lambda sends the function no signal while it runs: at the timeout it ends the process. The sweep ends before that, within
its remaining time.
`;
}
