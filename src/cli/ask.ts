/** @module The question before something is changed. */
import { createInterface } from 'node:readline';
import { InvalidSettingError } from '../sweep/errors.ts';
import type { Io } from './io.ts';

/**
 * Makes sure that there is somebody to ask, before anything else is done.
 * @throws {InvalidSettingError} when standard input or error is no terminal, and the answer was not given by `--yes`.
 */
export function needsAnswer(what: string, { yes }: { readonly yes?: boolean }, io: Io): boolean {
  if (yes) return false;
  if (io.stdin.isTTY && io.stderr.isTTY) return true;
  throw new InvalidSettingError(
    `${what} needs --yes where there is no terminal to ask on; nothing was changed`,
  );
}

/** Asks, and takes nothing but a yes for one: an empty line, the end of the input and an interrupt all mean no. */
export async function confirmed(question: string, io: Io): Promise<boolean> {
  if (io.signal.aborted) return false;
  // terminal: false leaves line editing and Ctrl-C to the terminal itself, which then signals this process
  const lines = createInterface({ input: io.stdin, terminal: false });
  const answer = Promise.withResolvers<string>();
  const no = () => answer.resolve('');
  lines.once('line', answer.resolve);
  lines.once('close', no);
  io.signal.addEventListener('abort', no, { once: true });
  io.stderr.write(`${question} [y/N] `);
  const given = await answer.promise;
  io.signal.removeEventListener('abort', no);
  lines.close();
  io.stdin.pause();
  return /^y(es)?$/i.test(given.trim());
}
