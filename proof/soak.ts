/** @module `npm run soak`: runs many random cases on all cores, or repeats one case. */
import { readFileSync } from 'node:fs';
import type { RandomCase } from './case.ts';
import { atLeastOne, pathOption, proofCommand, seedOption } from './command-options.ts';
import { type Coverage, emptyCoverage, missed, toMeet } from './coverage.ts';
import { runPool } from './pool.ts';
import { closingLine, propertyRows, tableOf } from './result-table.ts';
import { describeFailure, runMany, violationsOf } from './run-many.ts';

interface Options {
  readonly cases: number;
  readonly seed: number;
  readonly time?: number;
  readonly path?: string;
  readonly case?: string;
}

const options = proofCommand(
  'npm run soak --',
  'Tries every property in random worlds, or repeats one of them.',
)
  .option('--cases <count>', 'number of worlds', atLeastOne, 100_000)
  .addOption(seedOption())
  .option('--time <seconds>', 'start no further world after this time', atLeastOne)
  .addOption(pathOption())
  .option('--case <file>', 'run only the case in this file')
  .parse()
  .opts<Options>();
const { cases, seed, time } = options;
const say = (text: string) => process.stdout.write(`${text}\n`);

if (options.case !== undefined) process.exitCode = await runFile(options.case);
else if (options.path !== undefined) process.exitCode = await runAgain(options.path);
else process.exitCode = await soak();

async function runFile(file: string): Promise<number> {
  const violations = await violationsOf(JSON.parse(readFileSync(file, 'utf8')) as RandomCase);
  for (const violation of violations) say(violation);
  say(violations.length === 0 ? 'every property holds' : `${violations.length} violations`);
  return violations.length === 0 ? 0 : 1;
}

async function runAgain(path: string): Promise<number> {
  const failure = await runMany({ seed, cases: 1, path, coverage: emptyCoverage() });
  say(failure ? describeFailure(failure) : 'every property holds');
  return failure ? 1 : 0;
}

async function soak(): Promise<number> {
  say(`seed ${seed}, ${cases} cases, over real HTTP in simulated time`);
  const began = Date.now();
  const rate = (coverage: Coverage) =>
    `${(coverage.cases / ((Date.now() - began) / 1_000)).toFixed(1)} cases/s`;
  const { coverage, failures, workers } = await runPool({
    seed,
    cases,
    timeMs: time === undefined ? undefined : time * 1_000,
    progress: (sum) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${sum.cases} cases, ${rate(sum)} `);
    },
  });
  say(
    `${coverage.cases} cases (${coverage.sweeps} sweeps, ${coverage.requests} requests) in ${Math.round((Date.now() - began) / 1_000)} s, ${rate(coverage)} on ${workers} cores`,
  );
  say('');
  say('occurred:');
  for (const thing of toMeet) say(`  ${String(coverage.met[thing] ?? 0).padStart(8)}  ${thing}`);
  const never = missed(coverage);
  if (never.length > 0) say(`NEVER OCCURRED: ${never.join(', ')}`);
  say('');
  const rows = propertyRows(coverage);
  say(tableOf(rows));
  for (const failure of failures) say(`\n${describeFailure(failure)}`);
  say(closingLine(rows));
  return failures.length > 0 || never.length > 0 ? 1 : 0;
}
