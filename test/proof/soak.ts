/**
 * @module `npm run soak -- [--cases N] [--seed S] [--time SECONDS]`: many random cases on all cores. With `--path P` (and
 * the seed that a failure told), or `--case FILE`, one case again.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Case } from './case.ts';
import { runMany, tellFailure, violationsOf } from './failure.ts';
import { runPool } from './pool.ts';
import { closingLine, propertyRows, tableOf } from './table.ts';
import { emptyTally, missed, type Tally, toMeet } from './tally.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    time: { type: 'string' },
    path: { type: 'string' },
    case: { type: 'string' },
  },
});

const seed = values.seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(values.seed);
const say = (text: string) => process.stdout.write(`${text}\n`);

if (values.case !== undefined) process.exitCode = await runFile(values.case);
else if (values.path !== undefined) process.exitCode = await runAgain(values.path);
else process.exitCode = await soak(Number(values.cases));

async function runFile(file: string): Promise<number> {
  const violations = await violationsOf(JSON.parse(readFileSync(file, 'utf8')) as Case);
  for (const violation of violations) say(violation);
  say(violations.length === 0 ? 'every property holds' : `${violations.length} violations`);
  return violations.length === 0 ? 0 : 1;
}

async function runAgain(path: string): Promise<number> {
  const failure = await runMany({ seed, cases: 1, path, tally: emptyTally() });
  say(failure ? tellFailure(failure) : 'every property holds');
  return failure ? 1 : 0;
}

async function soak(cases: number): Promise<number> {
  say(`seed ${seed}, ${cases} cases, over real HTTP in simulated time`);
  const began = Date.now();
  const rate = (tally: Tally) => `${(tally.cases / ((Date.now() - began) / 1_000)).toFixed(1)} cases/s`;
  const { tally, failures, workers } = await runPool({
    seed,
    cases,
    timeMs: values.time === undefined ? undefined : Number(values.time) * 1_000,
    progress: (sum) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${sum.cases} cases, ${rate(sum)} `);
    },
  });
  say(
    `${tally.cases} cases (${tally.sweeps} sweeps, ${tally.requests} requests) in ${Math.round((Date.now() - began) / 1_000)} s, ${rate(tally)} on ${workers} cores`,
  );
  say('');
  say('met:');
  for (const thing of toMeet) say(`  ${String(tally.met[thing] ?? 0).padStart(8)}  ${thing}`);
  const never = missed(tally);
  if (never.length > 0) say(`NEVER MET: ${never.join(', ')}`);
  say('');
  const rows = propertyRows(tally);
  say(tableOf(rows));
  for (const failure of failures) say(`\n${tellFailure(failure)}`);
  say(closingLine(rows));
  return failures.length > 0 || never.length > 0 ? 1 : 0;
}
