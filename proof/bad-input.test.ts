/**
 * @module Tests each property for bad input with a fixed set of random cases: 40 for most properties, or at least 100
 * at night. `node proof/bad-input/main.ts` tries many more cases with other seeds.
 */
import { expect, it } from 'vitest';
import { sized } from '../test/support/nightly.ts';
import { corruptionKinds } from './bad-input/corrupt.ts';
import { textCorruptionKinds } from './bad-input/corrupt-text.ts';
import { yamlCorruptionKinds } from './bad-input/corrupt-yaml.ts';
import { badInputs } from './bad-input/index.ts';

const usual = sized({ push: 40, nightly: 100 });
/** Fast properties get more cases. */
const cases: Readonly<Record<string, number>> = {
  payload: sized({ push: 150, nightly: 300 }),
  'payload-text': sized({ push: 150, nightly: 300 }),
  // The rare kinds of YAML corruption need a hundred cases to occur.
  'clusters-file': 100,
  'fleet-file': 100,
  'schedule-file': 100,
};
const met = new Set<string>();

it.each(badInputs.map((property) => [property.name, property] as const))(
  'the property "%s" holds for random bad input',
  { timeout: 120_000 },
  async (name, { sentence, run }) => {
    const result = await run({ seed: 20_261_126, cases: cases[name] ?? usual });
    // also reports a problem if an expected outcome never occurs
    expect(result.problems, sentence).toEqual([]);
    expect(result.cases).toBeGreaterThan(0);
    for (const [thing, times] of Object.entries(result.met)) if (times > 0) met.add(thing);
  },
);

it('the cases of bad input from the fixed seed contain every kind of corruption', () => {
  const kinds = [...corruptionKinds, ...textCorruptionKinds, ...yamlCorruptionKinds];
  expect(kinds.filter((kind) => !met.has(kind))).toEqual([]);
});
