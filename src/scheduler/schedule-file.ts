/**
 * @module Reads the file of recurring schedules. Returns its definitions only if the whole file is valid, payloads
 * included.
 */
import type * as z from 'zod';
import { knownFieldsHint } from '../base/did-you-mean.ts';
import { parseDuration } from '../base/duration.ts';
import { fieldName, firstProblems, InvalidRequestError, type Problem } from '../base/errors.ts';
import { quote } from '../base/text.ts';
import { parseRequest } from '../sweep/request/read-request.ts';
import { type RequestPayload, requestSchema } from '../sweep/request/request-schema.ts';
import type { RollCallPayload } from '../sweep/request/roll-call-request.ts';
import { InvalidExpressionError, parseExpression } from './expression.ts';
import { existsInZone } from './local-time.ts';
import { nextDue } from './occurrences.ts';
import { bytesOf, maxInputBytes, toInput } from './schedule-input.ts';
import { ownerOf } from './schedule-names.ts';
import {
  type ClusterSource,
  clusterFileShape,
  clusterSecretsShape,
  readableFile,
  retryShape,
  rollCallShape,
  scheduleShape,
  settingsShape,
} from './schedule-schema.ts';

type FileEntry = z.output<typeof readableFile>['schedules'][number];

/** One schedule of a file, with defaults filled in. */
export interface ScheduleDefinition {
  readonly name: string;
  readonly description: string | undefined;
  /** `rate(…)`, `cron(…)` or `at(…)`. */
  readonly expression: string;
  readonly timezone: string;
  /** Epoch milliseconds. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly windowMinutes: number | undefined;
  /** If undefined, an existing schedule keeps its state, and a new one is enabled. */
  readonly state: 'enabled' | 'paused' | undefined;
  /** The request as written in the file, without defaults, or a roll call. */
  readonly payload: RequestPayload | RollCallPayload;
  readonly retry: { readonly maxAgeSeconds: number; readonly attempts: number };
  /** `null` means no queue, even if the file or the environment sets a queue for all schedules. */
  readonly deadLetterArn: string | null | undefined;
  readonly afterCompletion: 'keep' | 'delete';
  readonly kmsKeyArn: string | undefined;
}

/** One entry of a file: a schedule, one for each of `clusters`, or a roll call. */
export interface ScheduleEntry extends ScheduleDefinition {
  readonly payload: RequestPayload;
  /** The names of clusters, or where to find them; see `expandSchedules`. */
  readonly clusters: readonly string[] | ClusterSource | undefined;
  readonly rollCall:
    | { readonly of?: readonly string[] | undefined; readonly within?: string | undefined }
    | undefined;
}

export interface ScheduleFile {
  readonly group: string | undefined;
  readonly functionArn: string | undefined;
  readonly roleArn: string | undefined;
  readonly deadLetterArn: string | null | undefined;
  readonly schedules: readonly ScheduleEntry[];
}

/**
 * Reads the value of a schedule file.
 * @throws {InvalidRequestError} with the problems of all schedules. If the structure of the file is invalid, the values
 * are not checked.
 */
export function readScheduleFile(value: unknown): ScheduleFile {
  const result = readableFile.safeParse(withoutExtensions(value), { reportInput: true });
  if (!result.success)
    throw invalidFile(result.error.issues.values().flatMap((issue) => describe(issue, value)));
  const { schedules, $schema: _editor, ...settings } = result.data;
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const definitions = schedules.map((entry, index) => {
    const at: Complain = (key, message, deeper = []) => {
      const path = ['schedules', index, key];
      problems.push({ ...problem(path, message), path: [...path, ...deeper] });
    };
    const before = seen.get(entry.name);
    if (before !== undefined) at('name', `${quote(entry.name)} is used twice, first in schedules[${before}]`);
    seen.set(entry.name, index);
    if (ownerOf(entry.name) !== 'file')
      at(
        'name',
        `${quote(entry.name)} begins with a prefix reserved for ${ownerOf(entry.name)}s; choose another name`,
      );
    const expression = readExpression(entry, at);
    checkTimes(entry, expression, at);
    checkPayload(entry, at);
    return define(entry, expression ?? '');
  });
  if (problems.length > 0) throw invalidFile(problems);
  return {
    group: settings.group,
    functionArn: settings.functionArn,
    roleArn: settings.roleArn,
    deadLetterArn: settings.deadLetterArn,
    schedules: definitions,
  };
}

/** Drops fields whose names begin with `x-`. People put YAML anchors there, to which other fields refer. */
function withoutExtensions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('x-')));
}

/** Reports a problem with a field of an entry; `deeper` is the path within the field. */
type Complain = (key: string, message: string, deeper?: Problem['path']) => void;

function readExpression(entry: FileEntry, complain: Complain): string | undefined {
  const given = (['rate', 'cron', 'at'] as const).filter((kind) => entry[kind] !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    complain(
      kind ?? 'name',
      `expected exactly one of rate, cron and at, got ${given.length === 0 ? 'none' : given.join(' and ')}`,
    );
    return undefined;
  }
  const expression = `${kind}(${entry[kind]})`;
  try {
    parseExpression(expression);
    return expression;
  } catch (error) {
    if (!(error instanceof InvalidExpressionError)) throw error;
    complain(kind, `expected ${error.message}`);
    return undefined;
  }
}

function checkTimes(entry: FileEntry, expression: string | undefined, complain: Complain): void {
  const { start, end } = entry;
  if (start !== undefined && end !== undefined && Date.parse(end) < Date.parse(start))
    complain('end', `expected a moment after start, got ${quote(end)}`);
  if (entry.at !== undefined)
    for (const key of ['start', 'end'] as const)
      if (entry[key] !== undefined) complain(key, 'has no effect on a schedule with at; leave it out');
  if (expression === undefined) return;
  const recurrence = { expression: parseExpression(expression), timezone: entry.timezone, anchor: 0 };
  if (recurrence.expression.kind === 'at' && !existsInZone(recurrence.expression.local, entry.timezone))
    complain(
      'at',
      `expected a time that exists in ${entry.timezone}, got ${quote(entry.at)}: clocks skip it when daylight saving begins`,
    );
  // Searches from 1970, because a date in the past is valid in a file. The plan reports such a schedule.
  if (entry.cron !== undefined && nextDue(recurrence, 0) === undefined)
    complain('cron', `never matches any moment, got ${quote(entry.cron)}`);
}

function checkPayload({ request, rollCall, clusters, window }: FileEntry, complain: Complain): void {
  if (rollCall) {
    for (const [key, value] of Object.entries({ request, clusters }))
      if (value !== undefined)
        complain(
          key,
          `has no effect beside rollCall, which takes its clusters from other schedules; leave it out`,
        );
    return;
  }
  if (request === undefined) complain('request', 'expected an object, the request of the sweep, got nothing');
  else checkRequest(request, complain);
  if (clusters === undefined) return;
  if (request?.cluster !== undefined)
    complain('request', 'cluster is set by clusters; leave it out', ['cluster']);
  if (window === undefined)
    complain('clusters', 'needs a window, such as "4h": all clusters would be swept at the same moment');
}

function checkRequest(request: Record<string, unknown>, complain: Complain): void {
  for (const key of ['trigger', 'followUpOf'])
    if (key in request) complain('request', `${key} is set by jobsweep itself; leave it out`, [key]);
  try {
    parseRequest(request);
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    for (const { message, path } of error.problems) complain('request', message, path);
    return;
  }
  const bytes = bytesOf(toInput(withoutSchema(request)));
  if (bytes > maxInputBytes)
    complain('request', `takes ${bytes} bytes as an Input, but a schedule holds at most ${maxInputBytes}`);
}

function define(entry: FileEntry, expression: string): ScheduleEntry {
  const instant = (value: string | undefined) => (value === undefined ? undefined : Date.parse(value));
  const ms = (value: string) => parseDuration(value) ?? 0;
  return {
    name: entry.name,
    description: entry.description || undefined,
    expression,
    timezone: entry.timezone,
    start: instant(entry.start),
    end: instant(entry.end),
    windowMinutes: entry.window === undefined ? undefined : ms(entry.window) / 60_000,
    state: entry.state,
    payload: withoutSchema(entry.request ?? {}),
    clusters: entry.clusters,
    rollCall: entry.rollCall,
    retry: { maxAgeSeconds: ms(entry.retry.maxAge) / 1000, attempts: entry.retry.attempts },
    deadLetterArn: entry.deadLetterArn,
    afterCompletion: entry.afterCompletion,
    kmsKeyArn: entry.kmsKeyArn,
  };
}

/** Drops `$schema`, which only editors use. */
function withoutSchema({ $schema: _editor, ...request }: Record<string, unknown>): RequestPayload {
  return request;
}

const invalidFile = (problems: Iterable<Problem>) =>
  new InvalidRequestError(firstProblems(problems), 'the schedule file');

function problem(path: Problem['path'], message: string): Problem {
  const field = fieldName(path);
  return { field, path, message: field === '' ? message : `${field}: ${message}` };
}

function* describe(issue: z.core.$ZodIssue, value: unknown): Generator<Problem, undefined> {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  if (issue.code === 'invalid_union' && path.at(-1) === 'clusters') {
    const given = valueAt(value, path);
    if (typeof given === 'object' && given !== null) {
      const form = Array.isArray(given) ? 0 : 'file' in given ? 2 : 1;
      for (const inner of issue.errors[form] ?? [])
        yield* describe({ ...inner, path: [...path, ...inner.path] }, value);
      return;
    }
  }
  if (issue.code !== 'unrecognized_keys') {
    yield problem(path, `expected ${issue.message}, got ${quote(valueAt(value, path))}`);
    return;
  }
  const known = knownFields(path, value);
  for (const key of issue.keys)
    yield problem([...path, key], `is an unknown field; ${knownFieldsHint(key, known)}`);
}

function knownFields(path: Problem['path'], value: unknown): string[] {
  if (path.length === 0) return [...Object.keys(settingsShape), 'deadLetterArn', 'schedules'];
  switch (path.at(-1)) {
    case 'retry':
      return Object.keys(retryShape);
    case 'rollCall':
      return Object.keys(rollCallShape);
    case 'clusters':
      return Object.keys('file' in (valueAt(value, path) as object) ? clusterFileShape : clusterSecretsShape);
    default:
      return Object.keys(scheduleShape(requestSchema));
  }
}

function valueAt(value: unknown, path: Problem['path']): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null
        ? (inner as Record<string | number, unknown>)[key]
        : undefined,
    value,
  );
}
