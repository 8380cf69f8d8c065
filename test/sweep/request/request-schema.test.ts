import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { schemaTexts } from '../../../scripts/schemas/texts.ts';

it.each(Object.keys(schemaTexts))('the schema file of %s matches the code', (name) => {
  const file = new URL(`../../../schemas/${name}.schema.json`, import.meta.url);
  expect(schemaTexts[name]).toBe(readFileSync(file, 'utf8'));
});
