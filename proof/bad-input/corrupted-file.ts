/** @module Files of JSON or YAML: a valid value, spoiled as a value, as a text and by what YAML can do. */
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { anySpoilings, type Spoiling, type SpoilingKind, spoil, spoilingKinds } from './corrupt.ts';
import { anyTextSpoilings, spoilText, type TextSpoiling, textSpoilingKinds } from './corrupt-text.ts';
import { anyYamlSpoilings, spoilYaml, type YamlSpoiling, yamlSpoilingKinds } from './corrupt-yaml.ts';
import { type Json, jsonText } from './json.ts';
import type { Meet } from './property.ts';

export interface SpoiledFile {
  readonly value: Json;
  readonly form: 'json' | 'yaml';
  readonly spoilings: readonly Spoiling[];
  readonly yamlSpoilings: readonly YamlSpoiling[];
  readonly textSpoilings: readonly TextSpoiling[];
}

/** What the generator of files has to meet. */
export const fileThings: readonly string[] = [
  ...new Set<string>([...spoilingKinds, ...textSpoilingKinds, ...yamlSpoilingKinds, 'json', 'yaml']),
];

const orNone = <T>(arbitrary: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary });

export const spoiledFile = (
  valid: fc.Arbitrary<Json>,
  kinds?: readonly SpoilingKind[],
): fc.Arbitrary<SpoiledFile> =>
  fc.record(
    {
      value: valid,
      form: fc.constantFrom('json', 'yaml'),
      // seldom all of them: what spoils the text hides what is wrong with the value
      spoilings: orNone(anySpoilings(kinds)),
      yamlSpoilings: orNone(anyYamlSpoilings),
      textSpoilings: orNone(anyTextSpoilings),
    },
    { noNullPrototype: true },
  );

/** The file's bytes, and its value where that is known: when only the value was spoiled. */
export function writeSpoiled(
  file: SpoiledFile,
  meet: Meet,
): { readonly bytes: Buffer; readonly value?: Json } {
  const { form, spoilings, textSpoilings } = file;
  const yamlSpoilings = form === 'yaml' ? file.yamlSpoilings : [];
  for (const { kind } of [...spoilings, ...yamlSpoilings, ...textSpoilings]) meet(kind);
  meet(form);
  const value = spoilings.length > 0 ? spoil(file.value, spoilings) : file.value;
  // what is deep or long is written as JSON, which is YAML as well: its writer of YAML takes seconds
  const large = spoilings.some(({ kind }) => kind === 'deep' || kind === 'many');
  const text = form === 'yaml' && !large ? yamlText(value) : jsonText(value);
  const bytes = spoilText(spoilYaml(text, yamlSpoilings), textSpoilings);
  return yamlSpoilings.length + textSpoilings.length === 0 ? { bytes, value } : { bytes };
}

/** YAML as people write it; of what its writer cannot write, the JSON, which is YAML as well. */
function yamlText(value: Json): string {
  try {
    return stringify(value, { aliasDuplicateObjects: false });
  } catch {
    return jsonText(value);
  }
}
