/** @module The question before something is changed. */
import { createInterface } from 'node:readline/promises';
import { InvalidSettingError } from '../sweep/errors.ts';
import type { Io } from './io.ts';

/** Whether there is a person to ask: both the input and where the question goes are terminals. */
export const canAsk = ({ stdin, stderr }: Io) => Boolean(stdin.isTTY && stderr.isTTY);

/** @throws {InvalidSettingError} when the command may neither ask nor act. `what` begins the sentence. */
export function mustAskOrHave(yes: boolean | undefined, what: string, io: Io): void {
  if (!yes && !canAsk(io))
    throw new InvalidSettingError(`${what} without a terminal to ask on needs --yes; nothing was changed`);
}

/** Asks for yes or no; anything but yes is no, and so are an interrupt and the end of the input. */
export async function confirmed(question: string, io: Io): Promise<boolean> {
  const questions = createInterface({ input: io.stdin, output: io.stderr });
  const closed = new Promise<string>((resolve) => questions.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([
      questions.question(`${question} [y/N] `, { signal: io.signal }),
      closed,
    ]);
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    questions.close();
  }
}
