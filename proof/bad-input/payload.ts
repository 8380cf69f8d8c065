/**
 * @module The property that must hold for payloads that the function receives as values. Compares how jobsweep reads a
 * payload with a hand-written implementation of the contract.
 */
import * as fc from 'fast-check';
import { InvalidRequestError } from '../../src/base/errors.ts';
import { matcher } from '../../src/sweep/planning/job-patterns.ts';
import { parseRequest, toPayload } from '../../src/sweep/request/read-request.ts';
import type { SweepRequest } from '../../src/sweep/request/request-schema.ts';
import { anyCorruptions, type Corruption, corrupt, corruptionKinds } from './corrupt.ts';
import { isObject, type Json, valueAt } from './json.ts';
import { isPlain } from './output-checks.ts';
import { badInput, type Meet, noSetup } from './property.ts';
import { nameMeans, readByHand } from './request-reading.ts';
import { validPayload } from './requests.ts';

interface Given {
  readonly payload: Json;
  readonly corruptions: readonly Corruption[];
}

export const payload = badInput<Given, object>({
  name: 'payload',
  sentence:
    'a payload means what the contract says for each field and job, or is refused with every wrong field, its value and what was expected',
  outcomes: ['valid', 'refused', 'corrupted and valid', 'names fewer jobs'],
  toMeet: [...corruptionKinds, 'bare event'],
  given: fc.record({ payload: validPayload, corruptions: anyCorruptions() }),
  open: noSetup,
  attempt: async ({ payload: valid, corruptions }, meet) => {
    for (const { kind } of corruptions) meet(kind);
    const value = corrupt(valid, corruptions);
    if (isObject(value) && 'detail-type' in value) meet('bare event');
    const expected = readByHand(value);
    let request: SweepRequest;
    try {
      ({ request } = parseRequest(value));
    } catch (error) {
      meet('refused');
      if (!(error instanceof InvalidRequestError)) throw error;
      return refusedWell(error, expected.wrong, value);
    }
    meet('valid');
    if (corruptions.length > 0) meet('corrupted and valid');
    if (expected.wrong) return [`accepted, but wrong in ${expected.wrong.map(quoted).join(', ')}`];
    return [
      ...same('it means', request, expected.means),
      ...meansTheseJobs(request, expected.means, meet),
      ...same('with all defaults written out it means', parseRequest(toPayload(request)).request, request),
    ];
  },
});

const maxReported = 100;

/**
 * Checks that a refusal reports exactly the wrong fields, each with its value and with what was expected, in printable
 * characters.
 */
export function refusedWell(
  { problems, message }: Pick<InvalidRequestError, 'problems' | 'message'>,
  wrong: readonly string[] | undefined,
  document: Json,
): string[] {
  if (!wrong) return [`refused, but valid: ${message}`];
  // if there are more than a hundred problems, the last message only says that there are more
  const isCut = problems.length > maxReported && problems.at(-1)?.message.startsWith('and more') === true;
  const reportedProblems = isCut ? problems.slice(0, -1) : problems;
  if (reportedProblems.length > maxReported) return [`${reportedProblems.length} problems are reported`];
  // an invalid name in a list may be reported with its index, which is removed here
  const reported = new Set(
    reportedProblems.map(({ field }) => field.replace(/^(jobs|exclude|force\.exclude)\[\d+\]$/, '$1')),
  );
  const missed = isCut ? [] : wrong.filter((field) => !reported.has(field));
  const invented = [...reported].filter((field) => !wrong.includes(field));
  return [
    ...missed.map((field) => `${quoted(field)} is wrong and not reported`),
    ...invented.map((field) => `${quoted(field)} is correct and was refused`),
    ...reportedProblems.flatMap(({ message: text, path }) => [
      ...containsValue(text, valueAt(document, path)),
      ...(isPlain(text) ? [] : [`a message that is not plain: ${quoted(text)}`]),
      ...(text.length < 2_000 ? [] : [`a message of ${text.length} characters`]),
      ...(/: expected (?!Invalid|Too |Unrec).+, got .+|is an unknown field; (did you mean|the fields here are) /s.test(
        text,
      )
        ? []
        : [`a message without what was expected: ${quoted(text)}`]),
    ]),
  ];
}

/**
 * Checks that a message contains the refused value exactly as it was given, unless the value is a list or an object.
 * Messages about conflicting fields are not checked, because they contain effective values, including defaults.
 */
function containsValue(text: string, value: Json | undefined): string[] {
  if (text.includes('unknown field') || text.includes('×') || typeof value === 'object') return [];
  const written =
    value === undefined ? 'nothing' : typeof value === 'string' ? JSON.stringify(value) : `${value}`;
  if (!isPlain(written)) return [];
  return text.includes(`, got ${written.slice(0, 30)}`)
    ? []
    : [`${quoted(text)} does not contain ${written}`];
}

const fleet = [
  { jobId: 'web-1', groups: ['web'] },
  { jobId: 'web-2', groups: [] },
  { jobId: 'infra-1', groups: ['web', 'infra'] },
  { jobId: 'constructor', groups: ['__proto__'] },
  { jobId: 'abbc', groups: ['a.b.c'] },
];

/** Checks that the request selects and excludes the same jobs as the hand-written implementation. */
function meansTheseJobs(
  { jobs, exclude, force }: SweepRequest,
  expected: Readonly<Record<string, unknown>>,
  meet: Meet,
): string[] {
  const meantRequest = expected as unknown as SweepRequest;
  return fleet.flatMap((job) =>
    (
      [
        ['jobs', jobs, meantRequest.jobs],
        ['exclude', exclude, meantRequest.exclude],
        ['force.exclude', force.exclude, meantRequest.force.exclude],
      ] as const
    ).flatMap(([field, names, byHand]) => {
      const meant = byHand.some((name) => nameMeans(name, job));
      if (field === 'jobs' && !meant) meet('names fewer jobs');
      return matcher(names)(job) === meant
        ? []
        : [`${field} ${meant ? 'names' : 'does not name'} ${job.jobId}, but the sweep reads it differently`];
    }),
  );
}

function same(what: string, got: unknown, expected: unknown): string[] {
  const [a, b] = [sorted(got), sorted(expected)];
  return a === b ? [] : [`${what} ${a}, and should mean ${b}`];
}

/** JSON with sorted keys. -0 becomes 0, because every range of the contract treats the two alike. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

const quoted = (text: string) => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
