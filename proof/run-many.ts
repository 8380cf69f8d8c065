/**
 * @module Runs many random cases and describes the first failure: the violation, the shrunk case, and the command to
 * repeat it.
 */
import * as fc from 'fast-check';
import type { RandomCase } from './case.ts';
import { checkOptions, type RunOptions } from './check-options.ts';
import { type Coverage, count } from './coverage.ts';
import { anyCase } from './generate.ts';
import { judgeRun } from './properties.ts';
import { runCase } from './run-case.ts';

export interface Failure {
  readonly violations: readonly string[];
  /** The shrunk case. */
  readonly case: RandomCase;
  readonly command: string;
}

/** Runs one case and returns its violations. Adds the run to `coverage`, if given. */
export async function violationsOf(given: RandomCase, coverage?: Coverage): Promise<string[]> {
  const run = await runCase(given);
  const verdicts = judgeRun(run);
  if (coverage) count(coverage, run, verdicts);
  return verdicts.flatMap(({ property, violations }) =>
    violations.map((text) => `${property.name}: ${text}`),
  );
}

export interface Many extends RunOptions {
  readonly coverage: Coverage;
}

/** Runs random cases. Returns the first failure with its shrunk case, or undefined if there is none. */
export async function runMany({ coverage, ...options }: Many): Promise<Failure | undefined> {
  let shrinking = false;
  const property = fc.asyncProperty(anyCase, async (given) => {
    // does not count the cases that shrinking tries, because they are not random
    const violations = await violationsOf(given, shrinking ? undefined : coverage);
    if (violations.length === 0) return;
    shrinking = true;
    throw new Error(violations.join('\n'));
  });
  const details = await fc.check(property, checkOptions(options));
  const [given] = details.counterexample ?? [];
  if (!given) return undefined;
  return {
    violations: await violationsOf(given),
    case: given,
    command: `npm run soak -- --seed ${options.seed} --path ${details.counterexamplePath}`,
  };
}

export function describeFailure({ violations, case: given, command }: Failure): string {
  return [
    'a case fails:',
    ...violations.map((violation) => `  ${violation}`),
    'the shrunk case:',
    `  ${JSON.stringify(given)}`,
    'run it again with:',
    `  ${command}`,
  ].join('\n');
}
