/**
 * @module Writes `docs/streams-and-signals.md`: what signals and closed streams do to a sweep. The rows are the cases
 * that the tests run with real processes.
 */
import { functionRows, rows, stageTitles, words } from '../../test/interruptions/cells.ts';
import { stages } from '../../test/interruptions/victim.ts';
import { table } from './markdown.ts';

export function streamsPage(): string {
  return `# Streams and signals

What happens at each stage of a sweep when a signal arrives, or when a stream or file becomes unavailable. \`npm run docs\`
generates this page from [the cases](../test/interruptions/cells.ts) that
[a test](../test/interruptions/cells.test.ts) runs with real processes, pipes and terminals.

## The command

"Closes all" means that the sweep continues to its end. The state directory is \`$XDG_STATE_HOME/jobsweep\`, or by default
\`~/.local/state/jobsweep\`. \`jobsweep reopen --last\` undoes the newest report in it.

${table(
  ['what', ...stages.map((stage) => stageTitles[stage])],
  rows.map(({ what, cells }) => [what, ...stages.map((stage) => words(cells[stage]))]),
)}

- SIGINT, SIGTERM and SIGHUP end a sweep within ten seconds. Jobs that were not asked by then are \`not_attempted\`.
- SIGQUIT and SIGKILL end the process at once. Each job is noted in the state directory before its close request leaves,
  so that \`reopen --last\` knows the jobs.
- \`nohup\` does not protect a sweep: Node resets inherited ignored signals. \`setsid jobsweep sweep --yes\` runs it in a
  session of its own, which does not end with the terminal.
- A reader that stalls, or a terminal stopped with Ctrl-S, does not stop the sweep. At the end the command waits for the
  reader; after a signal it waits at most a second.
- Node ignores SIGPIPE and SIGXFSZ: the write fails instead.
- \`plan\`, \`explain\`, \`doctor\` and \`schedules list\` change nothing. A reader that leaves early (\`jobsweep plan | head\`) is
  not an error. If the result cannot be written for any other reason, they exit with 1.
- \`reopen\` and \`schedules apply|pause|resume|delete\` behave like a sweep: if the result cannot be written, they report it
  on standard error and exit with at least 3.

## The function

${table(['what', stageTitles.start, stageTitles.closing, stageTitles.report], functionRows)}

Lambda sends the function no signal while it runs; at the timeout it kills the process. The sweep ends before that,
within the remaining time.
`;
}
