/** @module What a person sees while jobs close. */
import type { Entry, Observer } from '../sweep/ledger.ts';
import { plural } from '../sweep/text.ts';
import type { Output } from './io.ts';

/** Writes a line to `output` whenever a request leaves or a job's story ends; on a terminal the line is the same one. */
export function progress(output: Output): Observer & { end(): void } {
  let toDo = 0;
  let settled = 0;
  let under = 0;
  const tell = (text: string) => output.write(output.isTTY ? `\r\u001b[2K${text}` : `${text}\n`);
  const counted = () => `closing: ${settled} of ${plural(toDo, 'job')} done, ${under} under way`;
  return {
    decided: (entries) => {
      toDo = entries.filter((entry) => !entry.settled).length;
    },
    asking: (entries: readonly Entry[]) => {
      under += entries.filter((entry) => entry.asks === 1).length;
      tell(counted());
    },
    settled: (entry) => {
      settled += 1;
      if (entry.asks > 0) under -= 1;
      tell(counted());
    },
    end: () => {
      if (output.isTTY && toDo > 0) output.write('\n');
    },
  };
}
