/**
 * @module `node test/proof/bad-input/main.ts [--only NAME]… [--cases N] [--seed S] [--time SECONDS] [--path P]`: the
 * properties over bad input, many more cases than the tests try; or, with a path that a failure told, one case again.
 */
import { parseArgs } from 'node:util';
import { badInputs } from './index.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    time: { type: 'string' },
    path: { type: 'string' },
  },
});
const seed = values.seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(values.seed);
const say = (text: string) => process.stdout.write(`${text}\n`);

let failed = 0;
const chosen = badInputs.filter(({ name }) => !values.only || values.only.includes(name));
for (const { name, sentence, run } of chosen) {
  const began = Date.now();
  const { cases, problems, met } = await run({
    seed,
    cases: Number(values.cases),
    ...(values.time !== undefined && { timeMs: Number(values.time) * 1_000 }),
    ...(values.path !== undefined && { path: values.path }),
  });
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  say(`${problems.length > 0 ? 'FAILED' : 'passed'}  ${name}: ${sentence}`);
  say(`        ${cases} cases from seed ${seed} in ${seconds} s`);
  const things = Object.entries(met).map(([thing, times]) => `${thing} ${times}`);
  say(`        met: ${things.join(', ')}`);
  for (const problem of problems) say(problem.replace(/^/gm, '  '));
  if (problems.length > 0) failed += 1;
}
say(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
