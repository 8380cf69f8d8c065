/**
 * @module The properties over bad input in a hundred cases and more each, the same ones every time. Many more, and others:
 * `node proof/bad-input/main.ts`.
 */
import { expect, it } from 'vitest';
import { spoilingKinds } from './bad-input/corrupt.ts';
import { textSpoilingKinds } from './bad-input/corrupt-text.ts';
import { yamlSpoilingKinds } from './bad-input/corrupt-yaml.ts';
import { badInputs } from './bad-input/index.ts';

/** Of those that cost next to nothing. */
const cases: Readonly<Record<string, number>> = { payload: 300, 'payload-text': 300 };
const met = new Set<string>();

it.each(badInputs.map((property) => [property.name, property] as const))(
  '%s',
  { timeout: 120_000 },
  async (name, { sentence, run }) => {
    const result = await run({ seed: 20_261_126, cases: cases[name] ?? 100 });
    // a run that did not come to each outcome has a problem, too
    expect(result.problems, sentence).toEqual([]);
    expect(result.cases).toBeGreaterThan(0);
    for (const [thing, times] of Object.entries(result.met)) if (times > 0) met.add(thing);
  },
);

it('every kind of spoiling was among them', () => {
  const kinds = [...spoilingKinds, ...textSpoilingKinds, ...yamlSpoilingKinds];
  expect(kinds.filter((kind) => !met.has(kind))).toEqual([]);
});
