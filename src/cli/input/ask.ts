/** @module The confirmation before a change. */
import { createInterface } from 'node:readline';
import { InvalidSettingError } from '../../base/errors.ts';
import type { Io } from '../io.ts';
import { fitted } from '../output/table.ts';

/** Whether a person can be asked: both standard input and standard error are terminals. */
const canAsk = ({ stdin, stderr }: Io) => Boolean(stdin.isTTY && stderr.isTTY);

/**
 * @throws {InvalidSettingError} if `--yes` is not set and there is no terminal to ask on; the message begins with
 * `what`.
 */
export function mustAskOrHave(yes: boolean | undefined, what: string, io: Io): void {
  if (!yes && !canAsk(io))
    throw new InvalidSettingError(`${what} without a terminal to ask on needs --yes; nothing was changed`);
}

/** Asks for yes or no. Any other answer, an interrupt, a lost terminal and the end of the input count as no. */
export async function confirmed(question: string, io: Io): Promise<boolean> {
  if (io.signal.aborted) return false;
  // `terminal: false` leaves line editing and Ctrl-C to the terminal, so that Ctrl-C still sends SIGINT.
  const lines = createInterface({ input: io.stdin, terminal: false });
  const answer = Promise.withResolvers<string>();
  const no = () => answer.resolve('');
  lines.once('line', answer.resolve);
  lines.once('close', no);
  // Reading fails when the terminal hangs up.
  lines.once('error', no);
  io.signal.addEventListener('abort', no, { once: true });
  io.stderr.write(`${fitted(`${question} [y/N]`, io.stderr)} `);
  const given = await answer.promise;
  io.signal.removeEventListener('abort', no);
  lines.close();
  return /^y(es)?$/i.test(given.trim());
}
