/** @module The command in this process: real arguments, streams that a test holds, a clock that a test moves. */
import { PassThrough, Writable } from 'node:stream';
import type { ExitCode, Input, Output } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';
import { systemClock } from '../../src/clock.ts';
import type { Clock } from '../../src/sweep/clock.ts';

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What stands on standard input; nothing, if left out. */
  readonly stdin?: string;
  /** Whether standard input, output and error are a terminal; not, if left out. */
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Answers the first question that is asked. */
  readonly answer?: string;
  /** Sees everything that is written to standard error, as it is written. */
  readonly onError?: (text: string) => void;
}

export interface CommandResult {
  readonly exit: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

class Captured extends Writable implements Output {
  readonly isTTY: boolean;
  readonly columns?: number;
  text = '';
  readonly #seen: (text: string) => void;

  constructor(isTTY: boolean, columns: number | undefined, seen: (text: string) => void = () => {}) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
    if (columns !== undefined) this.columns = columns;
    this.#seen = seen;
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.#seen(this.text);
    done();
  }
}

/** Runs `jobsweep` with `args`; without options it is piped, with an empty environment and no input. */
export async function jobsweep(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { terminal = false, columns, answer } = options;
  const stdin: Input & PassThrough = Object.assign(new PassThrough(), { isTTY: terminal });
  if (options.stdin !== undefined) stdin.end(options.stdin);
  else if (!terminal) stdin.end();
  let asked = false;
  const stdout = new Captured(terminal, columns);
  const stderr = new Captured(terminal, columns, (text) => {
    options.onError?.(text);
    if (answer === undefined || asked || !text.includes('[y/N]')) return;
    asked = true;
    stdin.write(`${answer}\n`);
  });
  const exit = await run(args, {
    stdout,
    stderr,
    stdin,
    env: options.env ?? {},
    clock: options.clock ?? systemClock,
    signal: options.signal ?? new AbortController().signal,
  });
  return { exit, stdout: stdout.text, stderr: stderr.text };
}
