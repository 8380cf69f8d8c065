/**
 * @module Writes `schemas/*.schema.json` from the code's own schemas. With `--check`, writes nothing and fails if a
 * file is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { schemaTexts } from './schemas/texts.ts';

const stale: string[] = [];
for (const [name, text] of Object.entries(schemaTexts)) {
  const file = new URL(`../schemas/${name}.schema.json`, import.meta.url);
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (read(file) !== text) stale.push(name);
}
if (stale.length > 0) {
  process.stderr.write(`not current: ${stale.join(', ')}; run \`npm run schemas\`\n`);
  process.exitCode = 1;
}

function read(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
