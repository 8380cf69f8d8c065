/**
 * @module One property over bad input: random cases from a seed, what they met, and the smallest one that breaks it. A run
 * of enough cases that never met what it is about has shown nothing, and counts as broken as well.
 */
import * as fc from 'fast-check';
import { checkOptions, type RunOptions } from '../check-options.ts';

export interface RunResult {
  /** How many were tried. */
  readonly cases: number;
  /** What is broken, with the case made small and how to run it again, or what was never met; empty: the property holds. */
  readonly problems: readonly string[];
  /** A case broke the property. */
  readonly violated: boolean;
  /** How often each thing was met: kinds of corruption, both outcomes. */
  readonly met: Readonly<Record<string, number>>;
}

export interface BadInput {
  readonly name: string;
  readonly sentence: string;
  readonly run: (options: RunOptions) => Promise<RunResult>;
}

export type Meet = (thing: string) => void;

export interface Definition<Given, Setup> {
  readonly name: string;
  readonly sentence: string;
  /** How a case may end: each must be met by any run of a hundred cases. */
  readonly outcomes: readonly string[];
  /** Everything else that a run of `enough` cases meets at least once: each kind of corruption, each place. */
  readonly toMeet: readonly string[];
  /** Default: 1,000. */
  readonly enough?: number;
  /** What a case costs beside the cheapest ones: a run tries this share of its cases. Default: 1. */
  readonly share?: number;
  /** The most of the machine's time that a case may take, in milliseconds; default 20,000. More is a hang. */
  readonly maxMs?: number;
  readonly given: fc.Arbitrary<Given>;
  /** What all cases of a run share, disposed at its end. */
  readonly open: () => Promise<Setup & AsyncDisposable>;
  /** Tries one case; returns what is wrong. Whatever it throws is wrong, too. */
  readonly attempt: (given: Given, meet: Meet, setup: Setup) => Promise<readonly string[]>;
}

/** So many cases meet each outcome. */
const few = 100;

/** A setup for properties that need none. */
export const noSetup = async () => ({ [Symbol.asyncDispose]: async () => undefined });

export function badInput<Given, Setup>(definition: Definition<Given, Setup>): BadInput {
  const { name, sentence } = definition;
  return { name, sentence, run: (options) => runProperty(definition, options) };
}

async function runProperty<Given, Setup>(
  definition: Definition<Given, Setup>,
  options: RunOptions,
): Promise<RunResult> {
  const { name, outcomes, toMeet, enough = 1_000, share = 1, given } = definition;
  const { seed, path } = options;
  const met: Record<string, number> = Object.fromEntries([...outcomes, ...toMeet].map((thing) => [thing, 0]));
  let failed = false;
  const meet: Meet = (thing) => {
    // what is tried while a failure is made smaller is no random case
    if (!failed) met[thing] = (met[thing] ?? 0) + 1;
  };
  await using setup = await definition.open();
  let running: Promise<readonly string[]> = Promise.resolve([]);
  const property = fc.asyncProperty(given, async (value) => {
    running = inTime(definition, value, meet, setup);
    const wrong = await running;
    if (wrong.length === 0) return;
    failed = true;
    throw new Error(wrong.join('\n'));
  });
  const cases = path === undefined ? Math.max(1, Math.ceil(options.cases * share)) : 1;
  const details = await fc.check(property, checkOptions({ ...options, cases }));
  // When the time is up it does not wait for the case that runs, and that one needs its setup to its end.
  await running;
  const [smallest] = details.counterexample ?? [];
  if (details.failed)
    return {
      cases: details.numRuns,
      problems: [
        [
          message(details.errorInstance),
          `the case, made as small as it could be: ${show(smallest)}`,
          `run it again with: node proof/bad-input/main.ts --only ${name} --seed ${seed} --path ${details.counterexamplePath}`,
        ].join('\n'),
      ],
      violated: true,
      met,
    };
  const runs = details.numRuns;
  const must = [...(runs >= few * share ? outcomes : []), ...(runs >= enough * share ? toMeet : [])];
  const never = must.filter((thing) => !met[thing]);
  return {
    cases: runs,
    problems: never.length > 0 ? [`in ${runs} cases from seed ${seed} never met: ${never.join(', ')}`] : [],
    violated: false,
    met,
  };
}

/** The case within its time: one that stands still is given up, and one that blocked the machine is told afterwards. */
async function inTime<Given, Setup>(
  { attempt, maxMs = 20_000 }: Definition<Given, Setup>,
  value: Given,
  meet: Meet,
  setup: Setup,
): Promise<readonly string[]> {
  const began = performance.now();
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(resolve, maxMs, [`it stands still: no end within ${maxMs} ms`]);
  try {
    const wrong = await Promise.race([attempt(value, meet, setup), late]);
    const took = Math.round(performance.now() - began);
    return took > maxMs && wrong.length === 0 ? [`it took ${took} ms`] : wrong;
  } catch (error) {
    return [`it throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  } finally {
    clearTimeout(timer);
  }
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** At most so many characters of a case: one of ten megabytes is told by its seed and path. */
const maxShown = 4_000;

function show(value: unknown): string {
  const text = fc.stringify(value);
  return text.length > maxShown ? `${text.slice(0, maxShown)}… (${text.length} characters)` : text;
}
