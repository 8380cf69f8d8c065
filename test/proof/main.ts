/**
 * @module `npm run proof [-- --time SECONDS] [--seed S]`: all that can never happen, tried within a time budget (ten
 * minutes, if not said): the load tests, bad input, and random worlds for what is left of the time. One table; its last
 * line is `N passed, N failed`.
 */
import { parseArgs } from 'node:util';
import { tellFailure } from './failure.ts';
import { runPool } from './pool.ts';
import { closingLine, propertyRows, type Row, tableOf } from './table.ts';
import { missed } from './tally.ts';

const { values } = parseArgs({
  options: { time: { type: 'string', default: '600' }, seed: { type: 'string' } },
});

const seed = values.seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(values.seed);
const end = Date.now() + Number(values.time) * 1_000;
const say = (text: string) => process.stdout.write(`${text}\n`);
const rows: Row[] = [];

say(`seed ${seed}, ${values.time} s`);
await worlds();
say(`\n${tableOf(rows)}`);
say(closingLine(rows));
process.exitCode = rows.every(({ result }) => result === 'passed') ? 0 : 1;

async function worlds(): Promise<void> {
  const { tally, failures } = await runPool({
    seed,
    cases: Number.POSITIVE_INFINITY,
    timeMs: end - Date.now(),
  });
  rows.push(...propertyRows(tally));
  say(`${tally.cases} random worlds, ${tally.sweeps} sweeps, ${tally.requests} requests`);
  const never = missed(tally);
  if (never.length > 0) say(`not met, and so not proved in this time: ${never.join(', ')}`);
  for (const failure of failures) say(`\n${tellFailure(failure)}`);
}
