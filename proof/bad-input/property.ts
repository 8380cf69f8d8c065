/**
 * @module Tries one property for bad input in random cases from a seed. Counts what occurs in the cases, and shrinks a
 * case that violates the property. A long run also fails if an expected outcome never occurs, because such a run proves
 * nothing about that outcome.
 */
import * as fc from 'fast-check';
import { checkOptions, type RunOptions } from '../check-options.ts';

export interface RunResult {
  /** How many cases were tried. */
  readonly cases: number;
  /**
   * Empty if the property holds. Otherwise, one text: the violation, with the shrunk case and the command to repeat it,
   * or a list of what should have occurred but did not.
   */
  readonly problems: readonly string[];
  /** Whether a case violated the property. */
  readonly violated: boolean;
  /** How often each outcome and each kind of corruption occurred. */
  readonly met: Readonly<Record<string, number>>;
}

export interface BadInput {
  readonly name: string;
  readonly sentence: string;
  /** The possible outcomes of a case. In any run of at least a hundred cases, each outcome must occur. */
  readonly outcomes: readonly string[];
  readonly run: (options: RunOptions) => Promise<RunResult>;
}

export type Meet = (thing: string) => void;

export interface Definition<Given, Setup> {
  readonly name: string;
  readonly sentence: string;
  readonly outcomes: readonly string[];
  /** Everything else that must occur in a run of `enough` cases, such as each kind of corruption and each location. */
  readonly toMeet: readonly string[];
  /** The number of cases in a run after which everything in `toMeet` must have occurred. Default: 1,000. */
  readonly enough?: number;
  /** The share of a run's cases that this property tries; smaller for expensive properties. Default: 1. */
  readonly share?: number;
  /** Milliseconds of real time after which a case counts as hanging; default 20,000. */
  readonly maxMs?: number;
  readonly given: fc.Arbitrary<Given>;
  /** Creates the state that all cases of a run share. It is disposed at the end of the run. */
  readonly open: () => Promise<Setup & AsyncDisposable>;
  /** Tries one case and returns the problems found. If it throws, the error counts as a problem. */
  readonly attempt: (given: Given, meet: Meet, setup: Setup) => Promise<readonly string[]>;
}

/** The number of cases in a run after which each outcome must have occurred. */
const few = 100;

/** For properties that need no setup. */
export const noSetup = async () => ({ [Symbol.asyncDispose]: async () => undefined });

export function badInput<Given, Setup>(definition: Definition<Given, Setup>): BadInput {
  const { name, sentence, outcomes } = definition;
  return { name, sentence, outcomes, run: (options) => runProperty(definition, options) };
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
    // does not count the cases that shrinking tries, because they are not random
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
  // waits for the running case, because it still uses the setup; when the time is up, fast-check itself does not wait
  await running;
  const [smallest] = details.counterexample ?? [];
  if (details.failed)
    return {
      cases: details.numRuns,
      problems: [
        [
          message(details.errorInstance),
          `the shrunk case: ${show(smallest)}`,
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
    problems:
      never.length > 0 ? [`in ${runs} cases from seed ${seed} never occurred: ${never.join(', ')}`] : [],
    violated: false,
    met,
  };
}

/**
 * Runs a case with a time limit. If the case hangs, it is abandoned. If the case blocks the process, the timer cannot
 * fire, so the time is checked again when the case ends.
 */
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

/** The maximum length of a printed case, in characters. A longer case is cut, but its seed and path still repeat it. */
const maxShown = 4_000;

function show(value: unknown): string {
  const text = fc.stringify(value);
  return text.length > maxShown ? `${text.slice(0, maxShown)}… (${text.length} characters)` : text;
}
