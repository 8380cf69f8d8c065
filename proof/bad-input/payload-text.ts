/**
 * @module The property that must hold for payloads that the command reads as text, from a file or from standard input.
 */
import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { type Bench, type ClusterBench, endedBadly, openClusterBench } from './command.ts';
import { anyCorruptions, type Corruption, corrupt, corruptionKinds } from './corrupt.ts';
import { anyTextCorruptions, corruptText, type TextCorruption, textCorruptionKinds } from './corrupt-text.ts';
import { decoded, isObject, type Json, jsonText, withoutComments } from './json.ts';
import { badInput } from './property.ts';
import { readByHand } from './request-reading.ts';
import { validRequest } from './requests.ts';

interface Given {
  readonly payload: Json;
  readonly pretty: boolean;
  readonly corruptions: readonly Corruption[];
  readonly textCorruptions: readonly TextCorruption[];
  readonly through: 'stdin' | 'file';
}

export const payloadText = badInput<Given, ClusterBench>({
  name: 'payload-text',
  sentence:
    'an invalid payload ends the command with exit code 2 and the location of each mistake, before any request to a cluster; a valid one is planned',
  outcomes: ['planned', 'refused', 'no JSON'],
  toMeet: [...textCorruptionKinds, 'stdin', 'file', 'a doubled key', 'empty'],
  given: fc.record(
    {
      payload: validRequest,
      pretty: fc.boolean(),
      corruptions: anyCorruptions(corruptionKinds.filter((kind) => kind !== 'many')),
      textCorruptions: anyTextCorruptions,
      through: fc.constantFrom('stdin', 'file'),
    },
    { noNullPrototype: true },
  ),
  open: () =>
    openClusterBench({
      jobs: [
        { jobId: 'web-1', groups: ['web'], lastData: '5d' },
        { jobId: 'infra-1', lastData: '1m' },
        { jobId: 'infra-2', lastData: '2m' },
      ],
    }),
  attempt: async ({ payload, pretty, corruptions, textCorruptions, through }, meet, bench) => {
    for (const { kind } of textCorruptions) meet(kind);
    meet(through);
    const value = corruptions.length > 0 ? corrupt(payload, corruptions) : payload;
    const plain = jsonText(value);
    const bytes = corruptText(pretty ? prettier(plain) : plain, textCorruptions);
    const asked = bench.server.requests.length;
    const result = await planOf(bytes, through, bench);
    const source = through === 'stdin' ? 'standard input' : bench.folder.at('payload.json');
    const requests = bench.server.requests.length - asked;
    const changed = bench.server.requests.slice(asked).filter(({ method }) => method !== 'GET').length;
    const expected = readText(decoded(bytes), meet);
    const problems = [
      ...endedBadly(result),
      ...(changed > 0 ? ['a plan sent something that is no read'] : []),
    ];
    if (expected.wrong) {
      meet('refused');
      if (result.exit !== 2) problems.push(`it ended with ${result.exit}, and is not valid`);
      if (requests > 0) problems.push(`the cluster was asked ${requests} times`);
      if (!hasPlaces(result.stderr, source, decoded(bytes)))
        problems.push(`a mistake without its place: ${result.stderr.slice(0, 500)}`);
      return problems;
    }
    const { cluster, allowNoMatch } = expected.means;
    if (cluster !== 'default')
      return [
        ...problems,
        ...(result.exit === 2 ? [] : [`a plan of the cluster ${JSON.stringify(cluster)}`]),
      ];
    meet('planned');
    const mayEnd = allowNoMatch === false ? [0, 2, 4] : [0, 4];
    if (!mayEnd.includes(result.exit)) problems.push(`it ended with ${result.exit}: ${result.stderr}`);
    if (requests === 0) problems.push('the cluster received no request');
    return problems;
  },
});

async function planOf(bytes: Buffer, through: Given['through'], bench: Bench) {
  if (through === 'stdin') {
    const stdin = new PassThrough();
    stdin.end(bytes);
    return bench.run(['plan', '-p', '-'], { stdin });
  }
  return bench.run(['plan', '-p', await bench.write('payload.json', bytes)]);
}

/** Reads a payload from JSON with comments. Duplicate keys are invalid. */
function readText(text: string, meet: (thing: string) => void): ReturnType<typeof readByHand> {
  let value: Json;
  if (text.trim() === '') meet('empty');
  try {
    value = JSON.parse(withoutComments(text)) as Json;
  } catch {
    meet('no JSON');
    return { wrong: [''] };
  }
  const { keys, levels } = measured(value);
  if (levels > maxLevels) return { wrong: [''] };
  if (keysIn(withoutComments(text)) !== keys) {
    meet('a doubled key');
    return { wrong: [''] };
  }
  return readByHand(value);
}

/** The number of keys in a valid JSON text. Keys are the strings before a colon, so a duplicate key counts twice. */
const keysIn = (text: string): number =>
  [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs)].filter(([, colon]) => colon).length;

/** The maximum nesting depth of a payload, including parts that the command ignores. */
const maxLevels = 1_000;

/** Counts the keys and the levels of nesting in a parsed value. Parsing has removed duplicate keys. */
function measured(value: Json): { readonly keys: number; readonly levels: number } {
  let keys = 0;
  let levels = -1;
  let level: Json[] = [value];
  while (level.length > 0) {
    levels += 1;
    for (const inner of level) if (isObject(inner)) keys += Object.keys(inner).length;
    level = level.flatMap((inner) =>
      typeof inner === 'object' && inner !== null ? (Object.values(inner) as Json[]) : [],
    );
  }
  return { keys, levels };
}

/** Whether each problem is reported with a line and a column at which a token of the text begins. */
function hasPlaces(stderr: string, source: string, text: string): boolean {
  const lines = stderr
    .trimEnd()
    .replace(/^jobsweep: /, '')
    .split('\n');
  const rows = text.split('\n');
  return lines.every((line) => {
    if (/ is empty: | nested more than /.test(line)) return line.startsWith(source);
    if (!line.startsWith(source)) return false;
    const place =
      source === 'standard input' ? /^, line (\d+), column (\d+): (.*)$/s : /^:(\d+):(\d+): (.*)$/s;
    const [, row, column, message = ''] = place.exec(line.slice(source.length)) ?? [];
    const there = rows[Number(row) - 1];
    if (there === undefined || Number(column) < 1 || Number(column) > there.length + 1) return false;
    return message.startsWith('not valid JSON') || /[^\s,:]/.test(there[Number(column) - 1] ?? '');
  });
}

/** Spreads a JSON text over several lines, with all strings unchanged. */
const prettier = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|[{[,:]/gs, (part) =>
    part === ':' ? ': ' : part.length === 1 ? `${part}\n  ` : part,
  );
