/**
 * @module `node proof/bad-input/main.ts`: tries the properties for bad input in many more cases than the tests do. Can
 * also repeat a case that failed, with the path that was printed for it.
 */
import { Option } from 'commander';
import { atLeastOne, pathOption, proofCommand, seedOption } from '../command-options.ts';
import { badInputs } from './index.ts';

const {
  only,
  cases: maxCases,
  seed,
  time,
  path,
} = proofCommand('node proof/bad-input/main.ts', 'Tries the properties over bad input, or repeats one input.')
  .addOption(
    new Option('--only <names...>', 'only these properties').choices(badInputs.map(({ name }) => name)),
  )
  .option('--cases <count>', 'number of inputs per property', atLeastOne, 20_000)
  .addOption(seedOption())
  .option('--time <seconds>', 'start no further input of a property after this time', atLeastOne)
  .addOption(pathOption())
  .parse()
  .opts<{
    readonly only?: readonly string[];
    readonly cases: number;
    readonly seed: number;
    readonly time?: number;
    readonly path?: string;
  }>();
const say = (text: string) => process.stdout.write(`${text}\n`);

let failed = 0;
const chosen = badInputs.filter(({ name }) => !only || only.includes(name));
for (const { name, sentence, run } of chosen) {
  const began = Date.now();
  const { cases, problems, met } = await run({
    seed,
    cases: maxCases,
    ...(time !== undefined && { timeMs: time * 1_000 }),
    ...(path !== undefined && { path }),
  });
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  say(`${problems.length > 0 ? 'FAILED' : 'passed'}  ${name}: ${sentence}`);
  say(`        ${cases} cases from seed ${seed} in ${seconds} s`);
  const things = Object.entries(met).map(([thing, times]) => `${thing} ${times}`);
  say(`        occurred: ${things.join(', ')}`);
  for (const problem of problems) say(problem.replace(/^/gm, '  '));
  if (problems.length > 0) failed += 1;
}
say(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
