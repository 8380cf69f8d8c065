/** @module The question before something is changed. */
import { createInterface } from 'node:readline';
import { InvalidSettingError } from '../../base/errors.ts';
import type { Io } from '../io.ts';

/** Whether there is a person to ask: both the input and where the question goes are terminals. */
const canAsk = ({ stdin, stderr }: Io) => Boolean(stdin.isTTY && stderr.isTTY);

/** @throws {InvalidSettingError} when the command may neither ask nor act. `what` begins the sentence. */
export function mustAskOrHave(yes: boolean | undefined, what: string, io: Io): void {
  if (!yes && !canAsk(io))
    throw new InvalidSettingError(`${what} without a terminal to ask on needs --yes; nothing was changed`);
}

/** Asks for yes or no. Anything but yes is no, and so are an interrupt, a lost terminal and the end of the input. */
export async function confirmed(question: string, io: Io): Promise<boolean> {
  if (io.signal.aborted) return false;
  // terminal: false leaves line editing and Ctrl-C to the terminal itself, which then signals this process
  const lines = createInterface({ input: io.stdin, terminal: false });
  const answer = Promise.withResolvers<string>();
  const no = () => answer.resolve('');
  lines.once('line', answer.resolve);
  lines.once('close', no);
  // a terminal that hangs up fails the read
  lines.once('error', no);
  io.signal.addEventListener('abort', no, { once: true });
  io.stderr.write(`${question} [y/N] `);
  const given = await answer.promise;
  io.signal.removeEventListener('abort', no);
  lines.close();
  return /^y(es)?$/i.test(given.trim());
}
