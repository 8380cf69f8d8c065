/**
 * @module `--all-clusters`: runs one command on every cluster of a clusters file, in parallel. Each cluster gets a
 * result or a failure.
 */

import { Writable } from 'node:stream';
import { type Command, InvalidArgumentError } from 'commander';
import pMap from 'p-map';
import { InvalidSettingError } from '../base/errors.ts';
import { plainJson, printable, quote } from '../base/text.ts';
import { clusterName } from '../sweep/request/request-schema.ts';
import { type Failure, failureLines, failureOf } from './failure.ts';
import { type ClustersFile, readClusters, type TargetOptions } from './input/target.ts';
import type { ExitCode, Io, Output } from './io.ts';
import { type Ending, json, type OutputOptions, type Renderings, writeResult } from './output/output.ts';
import type { Paint } from './output/paint.ts';
import { type Sheet, sheetMarkdown } from './output/sheet.ts';
import { fitted } from './output/table.ts';

export interface AllClustersOptions extends TargetOptions {
  readonly allClusters?: boolean;
  readonly parallel: number;
}

/** The result of a command on one cluster. */
export interface ClusterResult extends Ending {
  /** Name and address. */
  readonly title: string;
  readonly renderings: Renderings;
  readonly sheet: () => Sheet;
}

/** One cluster with the result of the command, or the reason why the command failed. */
export interface Attempt<T> {
  readonly name: string;
  readonly value?: T | undefined;
  readonly failure?: Failure | undefined;
}

export function withAllClusters(command: Command): Command {
  return command
    .option('--all-clusters', 'every cluster of --clusters, side by side; a failure of one touches no other')
    .option('--parallel <number>', 'with --all-clusters: how many at once', wholeNumber, 4);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d{1,3}$/.test(text) && number > 0) return number;
  throw new InvalidArgumentError('expected a whole number from 1 to 999');
}

/**
 * The clusters file, which names all clusters.
 * @throws {InvalidSettingError} if no clusters file is given, if the file names no cluster or an invalid one, or if the
 * request names a cluster.
 */
export async function allClustersOf({ clusters }: TargetOptions, cluster: string): Promise<ClustersFile> {
  if (clusters === undefined)
    throw new InvalidSettingError('--all-clusters: expected --clusters FILE, which names the clusters');
  if (cluster !== 'default')
    throw new InvalidSettingError(
      `--all-clusters: the request names the cluster ${quote(cluster)}: leave out one of the two`,
    );
  const file = await readClusters(clusters);
  if (file.names.length === 0) throw new InvalidSettingError(`--all-clusters: ${clusters} names no cluster`);
  const wrong = file.names.find((name) => !clusterName.test(name));
  if (wrong !== undefined)
    throw new InvalidSettingError(
      `--all-clusters: ${clusters}: expected names of 1 to 40 of a-z, 0-9 and -, got ${quote(wrong)}`,
    );
  return file;
}

/**
 * Runs the work for each cluster, at most `parallel` at once. Writes failures to standard error, and also returns them.
 */
export async function onEach<T>(
  names: readonly string[],
  { parallel }: AllClustersOptions,
  io: Io,
  work: (name: string, io: Io) => Promise<T>,
): Promise<Attempt<T>[]> {
  const attempt = async (name: string): Promise<Attempt<T>> => {
    const own = { ...io, stderr: prefixed(io.stderr, `${name}: `) };
    try {
      return { name, value: await work(name, own) };
    } catch (error) {
      const failure = failureOf(error, io.signal);
      for (const line of failureLines(failure)) io.stderr.write(`jobsweep: ${name}: ${line}\n`);
      return { name, failure };
    }
  };
  return await pMap(names, attempt, { concurrency: parallel });
}

/**
 * An output that writes the cluster's name before each line. It is not a terminal, so that no cluster redraws the
 * progress line of another.
 */
function prefixed(output: Output, prefix: string): Output {
  return new Writable({
    decodeStrings: false,
    write: (chunk: string | Buffer, _encoding, done) => {
      output.write(chunk.toString().replace(/^(?=.)/gm, prefix));
      done();
    },
  });
}

const worstFirst: readonly ExitCode[] = [5, 1, 2, 3, 4, 0];

/** Writes the results of all clusters as one document. Returns the most severe exit code. */
export async function writeResults(
  attempts: readonly Attempt<ClusterResult>[],
  options: OutputOptions,
  io: Io,
  paint: Paint,
): Promise<ExitCode> {
  const exits = attempts.map(({ value, failure }) => value?.exit ?? failure?.exit ?? 1);
  const exit = worstFirst.find((code) => exits.includes(code)) ?? 0;
  const changes = attempts.some(({ value }) => value?.changes);
  const closing = attempts.flatMap(({ name, value }) =>
    (value?.closing ?? []).map((line) => `${name}: ${line}`),
  );
  return await writeResult(renderingsOfAll(attempts, io, paint), options, io, { exit, changes, closing });
}

function renderingsOfAll(
  attempts: readonly Attempt<ClusterResult>[],
  { stdout }: Pick<Io, 'stdout'>,
  paint: Paint,
): Renderings {
  const joined = async (
    separator: string,
    one: (result: ClusterResult) => string | Promise<string>,
    other: (name: string, failure: Failure | undefined) => string,
  ) =>
    (
      await Promise.all(
        attempts.map(async ({ name, value, failure }) => (value ? one(value) : other(name, failure))),
      )
    ).join(separator);
  const sheets = () =>
    attempts.map(({ name, value, failure }) => value?.sheet() ?? failureSheet(name, failure));
  return {
    table: () =>
      joined(
        '\n',
        async ({ title, renderings }) => `${paint('strong', title)}\n\n${await renderings.table()}`,
        (name, failure) =>
          `${paint('strong', name)}\n\n${fitted(paint('bad', printable(failure?.reason ?? '')), stdout)}\n`,
      ),
    json: async () =>
      json(
        await Promise.all(
          attempts.map(
            async ({ name, value, failure }): Promise<unknown> =>
              value ? JSON.parse(await value.renderings.json()) : { cluster: { name }, error: failure },
          ),
        ),
      ),
    ndjson: () =>
      joined(
        '',
        ({ renderings }) => renderings.ndjson(),
        (name, failure) => `${plainJson({ message: 'cluster failed', cluster: { name }, error: failure })}\n`,
      ),
    markdown: () => sheets().map(sheetMarkdown).join('\n'),
    html: async () =>
      (await import('./output/html/sheet-page.ts')).sheetsHtml(`${attempts.length} clusters`, sheets()),
  };
}

const failureSheet = (name: string, failure: Failure | undefined): Sheet => ({
  title: `The cluster ${name}`,
  lines: [failure?.reason ?? ''],
  tables: [],
});
