import { PassThrough, Writable } from 'node:stream';
import { systemClock } from '../../src/base/system-clock.ts';
import type { ExitCode, Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';

export interface CommandResult {
  readonly exit: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions extends Partial<Pick<Io, 'env' | 'clock' | 'signal'>> {
  /** The content of standard input: all at once, or in parts as they are written. */
  readonly stdin?: string | PassThrough;
  /** If true, standard input, output and error are terminals, and `stdin` is what the user types. */
  readonly terminal?: boolean;
  /** The width of the terminal, in characters. */
  readonly columns?: number;
  /** Called with each text written to standard output or standard error. */
  readonly onOutput?: (text: string) => unknown;
}

/** Runs `jobsweep` in this process. */
export async function runCommand(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const isTTY = options.terminal ?? false;
  const { columns } = options;
  let stdout = '';
  let stderr = '';
  const stdin = options.stdin instanceof PassThrough ? options.stdin : new PassThrough();
  if (stdin !== options.stdin) stdin.end(options.stdin ?? '');
  const exit = await run(args, {
    stdout: Object.assign(
      collect((text) => {
        stdout += text;
        options.onOutput?.(text);
      }),
      { isTTY, ...(columns !== undefined && { columns }) },
    ),
    stderr: Object.assign(
      collect((text) => {
        stderr += text;
        options.onOutput?.(text);
      }),
      { isTTY, ...(columns !== undefined && { columns }) },
    ),
    stdin: Object.assign(stdin, { isTTY }),
    env: options.env ?? {},
    clock: options.clock ?? systemClock,
    signal: options.signal ?? new AbortController().signal,
  });
  return { exit, stdout, stderr };
}

function collect(take: (text: string) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk.toString());
      done();
    },
  });
}
