/**
 * @module The property that must hold for extreme input. Each case runs the command in its own process, which may crash
 * or run out of memory without stopping the proof.
 */
import * as fc from 'fast-check';
import { runBin } from '../../test/support/bin.ts';
import { type Bench, endedBadly, openBench } from './command.ts';
import { badInput } from './property.ts';

interface ProcessInput {
  readonly args: readonly string[];
  readonly stdin?: () => string;
  /** A file to write. Its path replaces `FILE` in the arguments. */
  readonly file?: { readonly name: string; readonly text: () => string | Buffer };
}

const deep = (depth: number) => `{"jobs": ${'['.repeat(depth)}${']'.repeat(depth)}}`;
const plan = ['plan', '--embedded', '-p'];

/**
 * Inputs that the command must refuse quickly, whatever their size. Neither the exit code nor the output may suggest a
 * bug.
 */
const cases: Readonly<Record<string, ProcessInput>> = {
  'ten megabytes of one name': {
    args: [...plan, '-'],
    stdin: () => `{"jobs": "${'x'.repeat(10_000_000)}", "idelFor": 1}`,
  },
  'ten megabytes of blanks': {
    args: [...plan, '-'],
    stdin: () => `${' '.repeat(10_000_000)}{"idleFor": "soon"}`,
  },
  'ten megabytes of brackets': { args: [...plan, '-'], stdin: () => deep(5_000_000) },
  'a hundred thousand fields': {
    args: [...plan, '-'],
    stdin: () =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`f${index}`, index]))),
  },
  'bytes that are not text': {
    args: [...plan, 'FILE'],
    file: {
      name: 'payload.json',
      text: () => Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7) % 256)),
    },
  },
  'exponential YAML aliases': {
    args: ['schedules', 'plan', '-f', 'FILE'],
    file: {
      name: 'schedules.yml',
      text: () =>
        [
          'a: &a [x,x,x,x,x,x,x,x,x]',
          ...'bcdefghi'
            .split('')
            .map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}]`),
        ].join('\n'),
    },
  },
  'a truncated, deeply nested fleet': {
    args: ['simulate', 'elasticsearch', '--fleet', 'FILE'],
    file: { name: 'fleet.yml', text: () => `jobs: ${'['.repeat(100_000)}` },
  },
  'a deeply nested report': {
    args: ['reopen', 'FILE', '--yes'],
    file: { name: 'report.json', text: () => deep(1_000_000) },
  },
  'a deeply nested plan': {
    args: ['sweep', '--yes', '--plan', 'FILE'],
    file: { name: 'plan.json', text: () => deep(1_000_000) },
  },
  'a list as cluster file': {
    args: ['plan', '--clusters', 'FILE'],
    file: { name: 'clusters.json', text: () => `[${'"\\u001b[2J",'.repeat(1_000)}1]` },
  },
};
const names = Object.keys(cases);

export const realProcess = badInput<{ readonly name: string }, Bench>({
  name: 'process',
  sentence:
    'on extreme input the real command ends with exit code 2 and a message, within seconds and in its usual memory',
  outcomes: [],
  toMeet: [],
  // tries few cases, because each case starts a process
  share: 0.01,
  maxMs: 60_000,
  given: fc.record({ name: fc.constantFrom(...names) }, { noNullPrototype: true }),
  open: openBench,
  attempt: async ({ name }, meet, bench) => {
    const { args, stdin, file } = cases[name] as ProcessInput;
    meet(name);
    const path = file && (await bench.write(file.name, file.text()));
    const began = performance.now();
    const result = await runBin(
      args.map((arg) => (arg === 'FILE' && path !== undefined ? path : arg)),
      {
        ...(stdin && { stdin: stdin() }),
        env: { ELASTICSEARCH_URL: 'http://127.0.0.1:1', NODE_OPTIONS: '--max-old-space-size=1024' },
      },
    );
    const took = performance.now() - began;
    if (result.exit !== 2) return [`it ended with ${result.exit}: ${result.stderr.slice(0, 500)}`];
    return [
      ...endedBadly({ ...result, exit: 2 }),
      ...(took > 30_000 ? [`it took ${Math.round(took)} ms`] : []),
    ];
  },
});
