/**
 * @module Tests each property for bad input with fixed sets of random cases: 40 for most properties, or at least 100
 * at night. `node proof/bad-input/main.ts` tries many more cases with other seeds.
 */
import { expect, it } from 'vitest';
import { sized } from '../test/support/nightly.ts';
import { corruptionKinds } from './bad-input/corrupt.ts';
import { textCorruptionKinds } from './bad-input/corrupt-text.ts';
import { yamlCorruptionKinds } from './bad-input/corrupt-yaml.ts';
import { badInputs } from './bad-input/index.ts';

const usual = { seed: 20_261_126, cases: sized({ push: 40, nightly: 100 }) };
/** Fast properties get more cases. */
const fast = { ...usual, cases: sized({ push: 150, nightly: 300 }) };
/** With this seed, all kinds of YAML corruption occur in 60 cases. With most other seeds, they need a hundred. */
const yaml = { seed: 20_261_158, cases: sized({ push: 60, nightly: 100 }) };
const options: Readonly<Record<string, typeof usual>> = {
  payload: fast,
  'payload-text': fast,
  'clusters-file': yaml,
  'fleet-file': yaml,
  'schedule-file': yaml,
};
const met = new Set<string>();

it.each(badInputs.map((property) => [property.name, property] as const))(
  'the property "%s" holds for random bad input',
  { timeout: 120_000 },
  async (name, { sentence, outcomes, run }) => {
    const result = await run(options[name] ?? usual);
    expect(result.problems, sentence).toEqual([]);
    expect(outcomes.filter((outcome) => !result.met[outcome])).toEqual([]);
    expect(result.cases).toBeGreaterThan(0);
    for (const [thing, times] of Object.entries(result.met)) if (times > 0) met.add(thing);
  },
);

it('the cases of bad input from the fixed seeds contain every kind of corruption', () => {
  const kinds = [...corruptionKinds, ...textCorruptionKinds, ...yamlCorruptionKinds];
  expect(kinds.filter((kind) => !met.has(kind))).toEqual([]);
});
