/**
 * @module The payload of a roll call: the function checks which clusters have not reported. Only roll calls load this
 * module.
 */
import { knownFieldsHint } from '../../base/did-you-mean.ts';
import { parseDuration } from '../../base/duration.ts';
import { fieldName, firstProblems, InvalidRequestError, type Problem } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { quote } from '../../base/text.ts';
import { clusterName } from './request-schema.ts';

/** A roll call as a schedule sends it, without the trigger. */
export interface RollCallPayload {
  readonly rollCall: true;
  readonly clusters: readonly string[];
  readonly within?: string;
}

/** A valid roll call. */
export interface RollCall {
  /** Without duplicates. */
  readonly clusters: readonly string[];
  /**
   * The maximum age of a report that counts, in milliseconds. The age is measured at `scheduledAt` or, if that is
   * undefined, at the current time.
   */
  readonly withinMs: number;
  /**
   * When the schedule was due, epoch milliseconds; undefined if no schedule sent the event. The event may arrive later.
   */
  readonly scheduledAt: number | undefined;
}

const limits = { min: '15m', max: '14d', standard: '26h' } as const;
const maxExpected = 1_000;
const msOf = (duration: unknown) => (typeof duration === 'string' ? (parseDuration(duration) ?? 0) : 0);

const fields = ['rollCall', 'clusters', 'within', 'trigger'];

/** @throws {InvalidRequestError} with every problem of the payload. */
export function parseRollCall(payload: unknown): RollCall {
  const { $schema: _editor, ...given } = isJsonObject(payload) ? payload : {};
  const problems = firstProblems(problemsOf(given));
  if (problems.length > 0) throw new InvalidRequestError(problems, 'the roll call');
  const { clusters, within = limits.standard, trigger } = given;
  const scheduledAt = Date.parse(isJsonObject(trigger) ? String(trigger.scheduledTime) : '');
  return {
    clusters: [...new Set(clusters as string[])],
    withinMs: msOf(within),
    scheduledAt: Number.isNaN(scheduledAt) ? undefined : scheduledAt,
  };
}

/** Checked by hand: with a zod schema, every cold start would load parts of zod that only roll calls need. */
function* problemsOf({ rollCall, clusters, within, ...rest }: JsonObject): Generator<Problem, undefined> {
  for (const key of Object.keys(rest))
    if (!fields.includes(key))
      yield problem([key], `${quote(key).slice(1, -1)} is an unknown field; ${knownFieldsHint(key, fields)}`);
  if (rollCall !== true) yield expected(['rollCall'], 'true', rollCall);
  if (!Array.isArray(clusters) || clusters.length === 0 || clusters.length > maxExpected)
    yield expected(['clusters'], `a list of 1 to ${maxExpected} names of clusters`, clusters);
  else
    for (const [index, name] of clusters.entries())
      if (typeof name !== 'string' || !clusterName.test(name))
        yield expected(['clusters', index], 'the name of a cluster: 1 to 40 of a-z, 0-9 and -', name);
  if (within !== undefined && (msOf(within) < msOf(limits.min) || msOf(within) > msOf(limits.max)))
    yield expected(
      ['within'],
      `a duration from ${limits.min} to ${limits.max}, such as "${limits.standard}"`,
      within,
    );
}

const problem = (path: Problem['path'], message: string): Problem => ({
  field: fieldName(path),
  path,
  message,
});

const expected = (path: Problem['path'], what: string, value: unknown) =>
  problem(path, `${fieldName(path)}: expected ${what}, got ${quote(value)}`);
