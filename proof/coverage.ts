/**
 * @module Counts what a set of runs covered: how often each property was tried, and how often each fault, outcome and
 * reason occurred.
 */
import {
  actReasons,
  fuses,
  keepReasons,
  notAttemptedReasons,
  outcomes,
  statuses,
} from '../src/sweep/vocabulary.ts';
import { faultKinds, outsideActionKinds } from './case.ts';
import type { Observation } from './observe.ts';
import { properties, type Verdict } from './properties.ts';

export interface PropertyCoverage {
  /** The number of cases that tried the property. */
  tried: number;
  /** The number of cases that tried the property and had a fault or an outside action. */
  withFaults: number;
  violated: number;
}

export interface Coverage {
  cases: number;
  sweeps: number;
  requests: number;
  readonly properties: Record<string, PropertyCoverage>;
  /**
   * The number of runs in which each event occurred, by name. For example, `act idle` means that a job was judged idle.
   */
  readonly met: Record<string, number>;
}

const answers = [
  'acknowledged',
  'missing',
  'failed_jobs',
  'timed_out',
  'busy',
  'denied',
  'error',
  'lost',
] as const;

const errors = [
  'NoSuchJobError',
  'ClusterUnreachableError',
  'NotElasticsearchError',
  'AccessDeniedError',
  'UnreadableInventoryError',
  'StoppedError',
] as const;

const named = (kind: string, names: readonly string[]) => names.map((name) => `${kind} ${name}`);

/** Everything that must occur at least once in a soak. */
export const toMeet: readonly string[] = [
  ...named('keep', Object.keys(keepReasons)),
  ...named('act', Object.keys(actReasons)),
  ...named('outcome', Object.keys(outcomes)),
  ...named('not attempted for', Object.keys(notAttemptedReasons)),
  ...named('fuse', Object.keys(fuses)),
  ...named('status', Object.keys(statuses)),
  ...named('answer', answers),
  ...named('error', errors),
  ...named('fault', faultKinds),
  ...named('outside action', outsideActionKinds),
];

export const emptyCoverage = (): Coverage => ({
  cases: 0,
  sweeps: 0,
  requests: 0,
  properties: Object.fromEntries(
    properties.map(({ name }) => [name, { tried: 0, withFaults: 0, violated: 0 }]),
  ),
  met: {},
});

export function count(coverage: Coverage, run: Observation, verdicts: readonly Verdict[]): void {
  coverage.cases += 1;
  coverage.sweeps += run.sweeps.length;
  coverage.requests += run.requests.length;
  const withFaults = run.struck.length > 0 || run.done.length > 0;
  for (const { property, tried, violations } of verdicts) {
    const entry = coverage.properties[property.name];
    if (!entry) continue;
    if (tried) entry.tried += 1;
    if (tried && withFaults) entry.withFaults += 1;
    if (violations.length > 0) entry.violated += 1;
  }
  for (const thing of thingsOf(run)) coverage.met[thing] = (coverage.met[thing] ?? 0) + 1;
}

/** Adds the coverage from another process. */
export function add(coverage: Coverage, other: Coverage): void {
  coverage.cases += other.cases;
  coverage.sweeps += other.sweeps;
  coverage.requests += other.requests;
  for (const [name, { tried, withFaults, violated }] of Object.entries(other.properties)) {
    const entry = coverage.properties[name];
    if (!entry) continue;
    entry.tried += tried;
    entry.withFaults += withFaults;
    entry.violated += violated;
  }
  for (const [thing, times] of Object.entries(other.met))
    coverage.met[thing] = (coverage.met[thing] ?? 0) + times;
}

/** Everything that must occur but did not. */
export const missed = (coverage: Coverage): string[] => toMeet.filter((thing) => !coverage.met[thing]);

/** Everything that occurred in one run. */
function thingsOf(run: Observation): Set<string> {
  const things = new Set<string>();
  for (const { kind } of run.struck) things.add(`fault ${kind}`);
  for (const { kind } of run.done) things.add(`outside action ${kind}`);
  for (const { report, error, closes } of run.sweeps) {
    if (error) things.add(`error ${error.name}`);
    for (const { answer } of closes) if (answer) things.add(`answer ${answer.kind}`);
    if (!report) continue;
    things.add(`status ${report.status}`);
    if (report.fuse) things.add(`fuse ${report.fuse.name}`);
    for (const reason of Object.keys(report.kept)) things.add(`keep ${reason}`);
    for (const { verdict, reason, outcome, notAttemptedBecause: because } of report.jobs) {
      things.add(`${verdict === 'keep' ? 'keep' : 'act'} ${reason}`);
      things.add(`outcome ${outcome}`);
      if (because) things.add(`not attempted for ${because}`);
    }
    if (report.counts.kept > 0) things.add('outcome kept');
  }
  return things;
}
