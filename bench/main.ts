/**
 * @module `npm run bench`: runs the benches and writes their results to `bench/results`. Arguments select benches by
 * name.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { billedBench } from './billed/bench.ts';
import { billedPage } from './billed/report.ts';
import { closingBench } from './closing/bench.ts';
import { closingChart, closingPage } from './closing/report.ts';
import { coldStartBench } from './function/cold-start.ts';
import { coldStartPage, scalePage } from './function/report.ts';
import { scaleBench } from './function/scale.ts';

const results = new URL('./results/', import.meta.url);
const tell = (line: string) => process.stdout.write(`${line}\n`);

const benches: Readonly<Record<string, () => Promise<Readonly<Record<string, string>>>>> = {
  closing: async () => {
    const measured = await closingBench([50, 500, 2_000], 7, tell);
    return {
      'closing.json': `${JSON.stringify(measured, null, 2)}\n`,
      'closing.md': closingPage(measured),
      'closing.svg': closingChart(measured),
    };
  },
  billed: async () => {
    const measured = await billedBench(7, tell);
    return { 'billed.json': `${JSON.stringify(measured, null, 2)}\n`, 'billed.md': billedPage(measured) };
  },
  'cold-start': async () => {
    const measured = await coldStartBench(40, tell);
    const json = `${JSON.stringify(measured, null, 2)}\n`;
    return { 'cold-start.json': json, 'cold-start.md': coldStartPage(measured) };
  },
  scale: async () => {
    const measured = await scaleBench(7, tell);
    return { 'scale.json': `${JSON.stringify(measured, null, 2)}\n`, 'scale.md': scalePage(measured) };
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
  for (const [file, text] of Object.entries(await bench())) {
    writeFileSync(new URL(file, results), text);
    tell(`wrote bench/results/${file}`);
  }
}
