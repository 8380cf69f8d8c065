/**
 * @module The property that must hold for the function's log if the cluster has hostile texts. People read this log on
 * terminals, line by line.
 */
import * as fc from 'fast-check';
import { createHandler } from '../../src/function/handler.ts';
import { type HostileCluster, openHostileCluster, type Slot, slots, type Texts } from './hostile-cluster.ts';
import { hostileTexts } from './hostile-samples.ts';
import { isPlain } from './output-checks.ts';
import { badInput } from './property.ts';

interface Given {
  readonly event: unknown;
  readonly texts: readonly { readonly slot: Slot; readonly text: string }[];
}

const harmless = Object.fromEntries(slots.map((slot) => [slot, `Harmless ${slot}`])) as Texts;

const events: readonly unknown[] = [
  {},
  { dryRun: true },
  { runningDatafeeds: 'stop', fuse: { maxShare: null } },
  { cluster: '\u001b[2J\u009b' },
  { jobs: ['\u202e', 'x\u2028y'], allowNoMatch: false },
  { '\u009b31m': 1 },
  null,
];

export const logLines = badInput<Given, HostileCluster>({
  name: 'log-lines',
  sentence:
    'whatever a cluster or an event contains, each line of the function’s log is one line of JSON that cannot control a terminal',
  outcomes: ['a report', 'an error', 'job swept', 'sweep finished', 'sweep failed'],
  toMeet: [...slots],
  given: fc.record(
    {
      event: fc.constantFrom(...events, {}, {}),
      texts: fc.uniqueArray(
        fc.record(
          { slot: fc.constantFrom(...slots), text: fc.constantFrom(...hostileTexts) },
          { noNullPrototype: true },
        ),
        { minLength: 1, maxLength: 4, selector: ({ slot }) => slot },
      ),
    },
    { noNullPrototype: true },
  ),
  open: openHostileCluster,
  attempt: async ({ event, texts }, meet, bench) => {
    for (const { slot } of texts) meet(slot);
    bench.say({ ...harmless, ...Object.fromEntries(texts.map(({ slot, text }) => [slot, text])) });
    const { clock, env } = bench;
    const handler = createHandler({ environment: env, clock });
    const end = clock.now() + 15 * 60_000;
    const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => end - clock.now() };
    let ended = 'a report';
    const text = await writtenBy(async () => {
      await Promise.resolve(handler(event, context as never, {} as never)).catch(() => {
        ended = 'an error';
      });
    });
    meet(ended);
    const lines = text.split('\n').filter((line) => line !== '');
    for (const line of lines) {
      const { message } = JSON.parse(line) as { message?: string };
      if (message) meet(message);
    }
    return lines
      .filter((line) => !isPlain(line))
      .map((line) => `a line with control characters: ${JSON.stringify(line.slice(0, 500))}`);
  },
});

/** The text that `work` writes to standard output and standard error. */
async function writtenBy(work: () => Promise<void>): Promise<string> {
  let text = '';
  const outputs = [process.stdout, process.stderr] as const;
  const originals = outputs.map((output) => output.write.bind(output));
  for (const output of outputs)
    output.write = (piece: string | Uint8Array) => {
      text += String(piece);
      return true;
    };
  try {
    await work();
  } finally {
    for (const [index, output] of outputs.entries()) output.write = originals[index] as typeof output.write;
  }
  return text;
}
