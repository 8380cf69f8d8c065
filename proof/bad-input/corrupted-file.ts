/** @module JSON and YAML files whose value, text or YAML syntax is corrupted. */
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { anyCorruptions, type Corruption, type CorruptionKind, corrupt, corruptionKinds } from './corrupt.ts';
import { anyTextCorruptions, corruptText, type TextCorruption, textCorruptionKinds } from './corrupt-text.ts';
import { anyYamlCorruptions, corruptYaml, type YamlCorruption, yamlCorruptionKinds } from './corrupt-yaml.ts';
import { type Json, jsonText } from './json.ts';
import type { Meet } from './property.ts';

export interface CorruptedFile {
  readonly value: Json;
  readonly form: 'json' | 'yaml';
  readonly corruptions: readonly Corruption[];
  readonly yamlCorruptions: readonly YamlCorruption[];
  readonly textCorruptions: readonly TextCorruption[];
}

/** The kinds of corruption and the formats, all of which must occur in a long run. */
export const fileThings: readonly string[] = [
  ...new Set<string>([...corruptionKinds, ...textCorruptionKinds, ...yamlCorruptionKinds, 'json', 'yaml']),
];

const orNone = <T>(arbitrary: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary });

export const corruptedFile = (
  valid: fc.Arbitrary<Json>,
  kinds?: readonly CorruptionKind[],
): fc.Arbitrary<CorruptedFile> =>
  fc.record(
    {
      value: valid,
      form: fc.constantFrom('json', 'yaml'),
      // in most files, at least two of these three lists are empty, because a corruption of the text may hide a
      // corruption of the value
      corruptions: orNone(anyCorruptions(kinds)),
      yamlCorruptions: orNone(anyYamlCorruptions),
      textCorruptions: orNone(anyTextCorruptions),
    },
    { noNullPrototype: true },
  );

/** The file's bytes, and its value if the text was not corrupted. */
export function writeCorrupted(
  file: CorruptedFile,
  meet: Meet,
): { readonly bytes: Buffer; readonly value?: Json } {
  const { form, corruptions, textCorruptions } = file;
  const yamlCorruptions = form === 'yaml' ? file.yamlCorruptions : [];
  for (const { kind } of [...corruptions, ...yamlCorruptions, ...textCorruptions]) meet(kind);
  meet(form);
  const value = corruptions.length > 0 ? corrupt(file.value, corruptions) : file.value;
  // writes deep and long values as JSON, which is valid YAML, because the YAML writer would take seconds for them
  const large = corruptions.some(({ kind }) => kind === 'deep' || kind === 'many');
  const text = form === 'yaml' && !large ? yamlText(value) : jsonText(value);
  const bytes = corruptText(corruptYaml(text, yamlCorruptions), textCorruptions);
  return yamlCorruptions.length + textCorruptions.length === 0 ? { bytes, value } : { bytes };
}

/** YAML in the usual style, or JSON for values that the YAML writer cannot write. */
function yamlText(value: Json): string {
  try {
    return stringify(value, { aliasDuplicateObjects: false });
  } catch {
    return jsonText(value);
  }
}
