/**
 * @module `npm run bench`: runs the benches and writes their results to `bench/results`. Arguments select benches by
 * name. Exits with 1 if a result exceeds its budget.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { billedBench } from './billed/bench.ts';
import { billedPage } from './billed/report.ts';
import { closingBench } from './closing/bench.ts';
import { closingChart, closingPage } from './closing/report.ts';
import { overColdStartBudget, overScaleBudget } from './function/budgets.ts';
import { coldStartBench } from './function/cold-start.ts';
import { coldStartPage, scalePage } from './function/report.ts';
import { scaleBench } from './function/scale.ts';

const results = new URL('./results/', import.meta.url);
const tell = (line: string) => process.stdout.write(`${line}\n`);

interface Results {
  /** The texts of the files in `bench/results`, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** A line of text for each budget that the results exceed. */
  readonly over?: readonly string[];
}

const benches: Readonly<Record<string, () => Promise<Results>>> = {
  closing: async () => {
    const measured = await closingBench([50, 500, 2_000], 7, tell);
    const json = `${JSON.stringify(measured, null, 2)}\n`;
    return {
      files: {
        'closing.json': json,
        'closing.md': closingPage(measured),
        'closing.svg': closingChart(measured),
      },
    };
  },
  billed: async () => {
    const measured = await billedBench(7, tell);
    const json = `${JSON.stringify(measured, null, 2)}\n`;
    return { files: { 'billed.json': json, 'billed.md': billedPage(measured) } };
  },
  'cold-start': async () => {
    const measured = await coldStartBench(40, tell);
    const json = `${JSON.stringify(measured, null, 2)}\n`;
    const files = { 'cold-start.json': json, 'cold-start.md': coldStartPage(measured) };
    return { files, over: overColdStartBudget(measured) };
  },
  scale: async () => {
    const measured = await scaleBench(7, tell);
    const json = `${JSON.stringify(measured, null, 2)}\n`;
    const files = { 'scale.json': json, 'scale.md': scalePage(measured) };
    return { files, over: overScaleBudget(measured) };
  },
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in benches));
if (unknown !== undefined) {
  process.stderr.write(`there is no bench ${unknown}; there are ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
mkdirSync(results, { recursive: true });
for (const [name, bench] of Object.entries(benches)) {
  if (names.length > 0 && !names.includes(name)) continue;
  tell(`# ${name}`);
  const { files, over = [] } = await bench();
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(new URL(file, results), text);
    tell(`wrote bench/results/${file}`);
  }
  for (const line of over) process.stderr.write(`over budget: ${line}\n`);
  if (over.length > 0) process.exitCode = 1;
}
