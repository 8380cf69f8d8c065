/**
 * @module `npm run bench`: measures, and writes what it found to `bench/results`. Names of benches as arguments run
 * only those.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { closingBench } from './closing/bench.ts';

const results = new URL('./results/', import.meta.url);
const tell = (line: string) => process.stdout.write(`${line}\n`);

const benches: Readonly<Record<string, () => Promise<Readonly<Record<string, string>>>>> = {
  closing: async () => {
    const { markdown, svg } = await closingBench([50, 500, 2_000], 7, tell);
    return { 'closing.md': `${markdown}\n`, 'closing.svg': svg };
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
