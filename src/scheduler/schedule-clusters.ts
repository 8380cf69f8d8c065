/**
 * @module Expands the entries of the schedule file: an entry with `clusters` becomes one schedule for each cluster, and
 * the payload of a roll call lists the clusters that it expects.
 */
import { didYouMean } from '../base/did-you-mean.ts';
import { fieldName, firstProblems, InvalidRequestError, type Problem } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { plural, quote } from '../base/text.ts';
import { clusterName } from '../sweep/request/request-schema.ts';
import type { RollCallPayload } from '../sweep/request/roll-call-request.ts';
import type { ScheduleDefinition, ScheduleEntry } from './schedule-file.ts';
import { maxNameLength, ownerOf } from './schedule-names.ts';
import { type ClusterSource, maxClusters } from './schedule-schema.ts';

/** The cluster names found in the source of each entry, by the position of the entry in the file. */
export type FoundClusters = ReadonlyMap<number, readonly string[]>;

/** The sources of cluster names that must be read before the file is expanded, by the position of their entry. */
export function sourcesOf(entries: readonly ScheduleEntry[]): ReadonlyMap<number, ClusterSource> {
  return new Map(
    entries.flatMap(({ clusters }, index) =>
      clusters === undefined || isList(clusters) ? [] : [[index, clusters] as const],
    ),
  );
}

/**
 * The names in a file that lists clusters. The file has a list of names, or an object with a key for each cluster, as
 * in a file for `--clusters`. Undefined for anything else.
 */
export function namesIn(value: unknown): readonly string[] | undefined {
  if (isJsonObject(value)) return Object.keys(value);
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : undefined;
}

/** The message for a file in which `namesIn` finds no names. */
export const notNames = (file: string) =>
  `${file}: expected a list of clusters such as ["logs", "metrics"], or an object with a key for each`;

/**
 * The schedules of a file: one for each entry, or, if an entry has `clusters`, one for each of its clusters, with the
 * name `entry.cluster`.
 * @throws {InvalidRequestError} with all problems of the clusters and names.
 */
export function expandSchedules(
  entries: readonly ScheduleEntry[],
  found: FoundClusters = new Map(),
): readonly ScheduleDefinition[] {
  const problems: Problem[] = [];
  const clusters = entries.map((entry, index) => clustersOf(entry, index, found, problems));
  const schedules = entries.flatMap((entry, index): ScheduleDefinition[] => {
    const { clusters: fanOut, rollCall, ...definition } = entry;
    if (rollCall) {
      const called = calledClusters(entries, clusters, index, problems);
      return [{ ...definition, payload: rollCallPayload(rollCall.within, called) }];
    }
    if (fanOut === undefined) return [definition];
    return (clusters[index] ?? []).map((cluster) => ({
      ...definition,
      name: `${definition.name}.${cluster}`,
      payload: { ...definition.payload, cluster },
    }));
  });
  checkNames(entries, schedules, problems);
  if (problems.length > 0) throw new InvalidRequestError(firstProblems(problems), 'the schedule file');
  return schedules;
}

const isList = (clusters: readonly string[] | ClusterSource): clusters is readonly string[] =>
  Array.isArray(clusters);

const problem = (path: Problem['path'], message: string): Problem => {
  const field = fieldName(path);
  return { field, path, message: `${field}: ${message}` };
};

/** The clusters that an entry sweeps; none if the entry is a roll call. */
function clustersOf(
  { clusters, payload, rollCall }: ScheduleEntry,
  index: number,
  found: FoundClusters,
  problems: Problem[],
): readonly string[] {
  if (rollCall) return [];
  if (clusters === undefined) return [payload.cluster ?? 'default'];
  const path = ['schedules', index, 'clusters'];
  const names = isList(clusters) ? clusters : (found.get(index) ?? []);
  const source = sourceName(clusters);
  const complain = (message: string) => void problems.push(problem(path, message));
  if (names.length === 0) complain(`${source} names no cluster: expected at least one`);
  const limit = 'max' in clusters ? clusters.max : maxClusters;
  if (names.length > limit)
    complain(
      `${source} names ${names.length} clusters, but at most ${limit} are allowed: narrow it, or ${limit < maxClusters ? 'raise max' : 'use several deployments'}`,
    );
  const invalid = names.filter((name) => !clusterName.test(name));
  if (invalid.length > 0)
    complain(
      `${source} leads to ${plural(invalid.length, 'name')} that no cluster can have, such as ${quote(invalid[0])}: expected 1 to 40 of a-z, 0-9 and -`,
    );
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) complain(`${source} names the cluster ${quote(twice)} twice`);
  return names;
}

function sourceName(clusters: readonly string[] | ClusterSource): string {
  if (isList(clusters)) return 'the list';
  return 'file' in clusters ? `the file ${quote(clusters.file)}` : `the pattern ${quote(clusters.secrets)}`;
}

/**
 * The clusters that a roll call expects: the clusters of the entries in `of`, or of all entries that are not paused.
 */
function calledClusters(
  entries: readonly ScheduleEntry[],
  clusters: readonly (readonly string[])[],
  index: number,
  problems: Problem[],
): readonly string[] {
  const names = entries.filter(({ rollCall }) => !rollCall).map(({ name }) => name);
  const of = entries[index]?.rollCall?.of;
  for (const [position, name] of (of ?? []).entries())
    if (!names.includes(name)) {
      const nearest = didYouMean(name, names);
      const hint =
        nearest === undefined ? `the file has ${names.join(', ') || 'none'}` : `did you mean ${nearest}?`;
      problems.push(
        problem(
          ['schedules', index, 'rollCall', 'of', position],
          `expected a schedule of this file that sweeps, got ${quote(name)}; ${hint}`,
        ),
      );
    }
  const called = entries.flatMap(({ name, state }, at) =>
    (of === undefined ? state !== 'paused' : of.includes(name)) ? (clusters[at] ?? []) : [],
  );
  const distinct = [...new Set(called)];
  if (distinct.length === 0 && of === undefined)
    problems.push(problem(['schedules', index, 'rollCall'], 'no schedule of this file sweeps a cluster'));
  if (distinct.length > maxClusters)
    problems.push(
      problem(
        ['schedules', index, 'rollCall'],
        `expects ${distinct.length} clusters, but at most ${maxClusters} are allowed: write one roll call for each schedule, and name the schedule in "of"`,
      ),
    );
  return distinct;
}

const rollCallPayload = (within: string | undefined, clusters: readonly string[]): RollCallPayload => ({
  rollCall: true,
  clusters,
  ...(within !== undefined && { within }),
});

/**
 * Checks the names of all schedules: a name made from an entry and a cluster must meet the rules for names that people
 * write.
 */
function checkNames(
  entries: readonly ScheduleEntry[],
  schedules: readonly ScheduleDefinition[],
  problems: Problem[],
): void {
  const seen = new Set<string>();
  for (const { name } of schedules) {
    const index = entries.findLastIndex((entry) => entry.name === name || name.startsWith(`${entry.name}.`));
    const complain = (message: string) =>
      void problems.push(problem(['schedules', Math.max(0, index), 'name'], message));
    if (seen.has(name)) complain(`${quote(name)} would be the name of two schedules; rename one`);
    seen.add(name);
    if (name.length > maxNameLength)
      complain(
        `${quote(name)} would have ${name.length} characters, but a schedule's name has at most ${maxNameLength}: shorten ${quote(entries[index]?.name)}`,
      );
    if (ownerOf(name) !== 'file')
      complain(`${quote(name)} begins with a prefix reserved for ${ownerOf(name)}s; choose another name`);
  }
}
