/**
 * @module `npm run proof`: tries every property within a time budget. Loads come first, then bad input, then random
 * sweeps until the time is up. Prints one table, and then `N passed, N failed`. A property that was not tried counts as
 * failed.
 */
import { badInputs } from './bad-input/index.ts';
import { atLeastOne, proofCommand, seedOption } from './command-options.ts';
import { missed } from './coverage.ts';
import { loads } from './load.ts';
import { runPool } from './pool.ts';
import { closingLine, propertyRows, type Row, tableOf } from './result-table.ts';
import { describeFailure } from './run-many.ts';

const { time, seed } = proofCommand(
  'npm run proof --',
  'Tries every property within a time budget and prints one table.',
)
  .option('--time <seconds>', 'total time budget', atLeastOne, 600)
  .addOption(seedOption())
  .parse()
  .opts<{ readonly time: number; readonly seed: number }>();
const end = Date.now() + time * 1_000;
const left = () => end - Date.now();
/** After the loads, bad input gets this share of the remaining time. */
const shareOfBadInput = 0.4;
const maxBadInputs = 20_000;
const say = (text: string) => process.stdout.write(`${text}\n`);

say(`seed ${seed}, ${time} s`);
const loadRows = await tryLoads();
const inputRows = await tryBadInputs();
const worldRows = await tryWorlds();
const rows = [...worldRows, ...inputRows, ...loadRows];
say(`\n${tableOf(rows)}`);
say(closingLine(rows));
process.exitCode = rows.every(({ result }) => result === 'passed') ? 0 : 1;

function rowOf(name: string, cases: number, faults: string, problems: readonly string[]): Row {
  for (const problem of problems) say(`${name}: ${problem}`);
  const result = problems.length > 0 ? 'FAILED' : cases > 0 ? 'passed' : 'not tried';
  return { name, tried: String(cases), withFaults: faults, result };
}

/** The loads run first, on an otherwise idle machine, because they measure memory and time. */
async function tryLoads(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, run } of loads) {
    const { cases, measured, problems } =
      left() > 0 ? await run() : { cases: 0, measured: 'no time was left', problems: [] };
    say(`${name}: ${measured}`);
    rows.push(rowOf(name, cases, '-', problems));
  }
  return rows;
}

async function tryBadInputs(): Promise<Row[]> {
  const rows: Row[] = [];
  const until = Date.now() + left() * shareOfBadInput;
  for (const [index, { name, run }] of badInputs.entries()) {
    const timeMs = (until - Date.now()) / (badInputs.length - index);
    if (timeMs <= 0) {
      rows.push(rowOf(name, 0, '-', []));
      continue;
    }
    const { cases, met, problems } = await run({ seed, cases: maxBadInputs, timeMs });
    rows.push(rowOf(name, cases, `${Object.keys(met).length} kinds`, problems));
  }
  return rows;
}

async function tryWorlds(): Promise<Row[]> {
  const { coverage, failures } = await runPool({ seed, cases: Number.POSITIVE_INFINITY, timeMs: left() });
  say(`${coverage.cases} random worlds, ${coverage.sweeps} sweeps, ${coverage.requests} requests`);
  const never = missed(coverage);
  if (never.length > 0) say(`never occurred in this time: ${never.join(', ')}`);
  for (const failure of failures) say(`\n${describeFailure(failure)}`);
  return propertyRows(coverage);
}
