/** @module Selects the cluster of a command: from the environment, from a clusters file, or the embedded cluster. */

import { type Command, Option } from 'commander';
import type { Clock } from '../../base/clock.ts';
import { InvalidSettingError } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { systemClock } from '../../base/system-clock.ts';
import { printable, quote } from '../../base/text.ts';
import { ElasticsearchCluster } from '../../elasticsearch/cluster.ts';
import { addressHash, type Connection, urlOf } from '../../elasticsearch/connection.ts';
import type { ConnectionValues } from '../../settings/connection-settings.ts';
import { findConnection, readConnectionValues } from '../../settings/find-connection.ts';
import { secretReader } from '../../settings/secrets.ts';
import type { Io } from '../io.ts';
import { fitted } from '../output/table.ts';
import { documentError, readDocument } from './document.ts';
import { readNamed } from './payload.ts';

export interface TargetOptions {
  readonly embedded?: boolean;
  readonly clusters?: string;
  /** The file of `--clusters`, if it was already read. */
  readonly known?: ClustersFile;
}

/**
 * A cluster and its clock. The embedded cluster's clock runs faster, so that closes take seconds instead of minutes.
 */
export interface Target extends AsyncDisposable {
  readonly cluster: ElasticsearchCluster;
  /** For requests that are not part of a sweep. */
  readonly connection: Connection;
  readonly clock: Clock;
  /** How many times faster than real time the clock runs. */
  readonly speed: number;
  /** Name and address, so that users notice the wrong cluster: `prod-eu (es.example.org)`. */
  readonly title: string;
  /** The names of the secrets from which the cluster's settings were read. */
  readonly secretsRead: readonly string[];
}

/**
 * The ids that earlier reports may have for this cluster: its uuid, or the hash of its address if the key could not
 * read the uuid.
 */
export async function knownIds(
  { cluster, connection, clock }: Pick<Target, 'cluster' | 'connection' | 'clock'>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  using limit = clock.limit(longestLook);
  cluster.limitReads({ until: clock.now() + longestLook });
  const { id } = await cluster.identify(AbortSignal.any([signal, limit.signal]));
  return new Set([id, addressHash(connection)]);
}

/** Deadline for a read, in milliseconds: four tries of half a minute. Longer `retry-after` waits are not honoured. */
const longestLook = 2 * 60_000;

/** Writes to standard error why a read is waiting. */
export const noticeOn =
  ({ stderr }: Io) =>
  (message: string): void => {
    stderr.write(`${printable(message)}\n`);
  };

/** How much faster the embedded cluster's clock runs. A close of four minutes takes eight seconds. */
export const embeddedSpeed = 30;

export function withTargetOptions(command: Command): Command {
  return command
    .optionsGroup('Cluster:')
    .addOption(
      new Option(
        '--embedded',
        'work on the embedded cluster, a stand-in with some forty jobs that starts and ends with the command',
      ).conflicts('clusters'),
    )
    .option('--clusters <file>', 'a file (JSON or YAML) with connection settings by cluster name');
}

/**
 * Opens the cluster that the request names.
 * @throws {InvalidSettingError} if no cluster is named.
 */
export async function openTarget(name: string, options: TargetOptions, io: Io): Promise<Target> {
  if (options.embedded) return openEmbedded(io);
  const file =
    options.known ?? (options.clusters === undefined ? undefined : await readClusters(options.clusters));
  const clusters = file?.only(name);
  const secretsRead: string[] = [];
  const reader = secretReader(systemClock, io.env);
  const connection = await findConnection({
    cluster: name,
    environment: io.env,
    readSecret: async (secret) => {
      const text = await reader(secret);
      secretsRead.push(secret);
      return text;
    },
    clusters,
  });
  if (!connection) {
    throw new InvalidSettingError(
      'no cluster is named: set ELASTICSEARCH_URL (and ELASTICSEARCH_API_KEY), or try the embedded cluster with --embedded',
    );
  }
  const cluster = new ElasticsearchCluster(connection, io.clock);
  cluster.limitReads({ notice: noticeOn(io) });
  return {
    cluster,
    connection,
    clock: io.clock,
    speed: 1,
    title: `${name} (${urlOf(connection).host})`,
    secretsRead,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function openEmbedded(io: Io): Promise<Target> {
  const [{ startElasticsearch, defaultFleet }, { scaledClock }] = await Promise.all([
    import('../../../simulator/elasticsearch/index.ts'),
    import('../../../simulator/clock.ts'),
  ]);
  const clock = scaledClock(embeddedSpeed);
  const server = await startElasticsearch({ clock, fleet: defaultFleet(clock.now()) });
  const words = `the embedded cluster runs at ${server.url}, its clock ${embeddedSpeed} times as fast as yours`;
  io.stderr.write(`${fitted(words, io.stderr)}\n`);
  const connection: Connection = { address: { url: server.url } };
  const cluster = new ElasticsearchCluster(connection, clock);
  return {
    cluster,
    connection,
    clock,
    speed: embeddedSpeed,
    title: `the embedded cluster (${urlOf(connection).host})`,
    secretsRead: [],
    [Symbol.asyncDispose]: async () => {
      await cluster[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

/**
 * The clusters of a file. The settings of a cluster are checked when the cluster is used, so that an error in them does
 * not affect other clusters.
 */
export interface ClustersFile {
  /** The names, in the file's order. */
  readonly names: readonly string[];
  /** The settings of one cluster. @throws {InvalidDocumentError} */
  only(name: string): Record<string, ConnectionValues>;
}

/** @throws {InvalidDocumentError} */
export async function readClusters(file: string): Promise<ClustersFile> {
  const document = readDocument(await readNamed(file), file);
  const wrong = (path: readonly string[], message: string) =>
    documentError(document, [{ field: path.join('.'), path, message }]);
  const { value } = document;
  if (!isJsonObject(value))
    throw wrong(
      [],
      'expected clusters by name, for example {"default": {"ELASTICSEARCH_URL": "https://host:9200"}}',
    );
  const settingsOf = (name: string): ConnectionValues => {
    // break: named-cluster
    const settings = value[name];
    if (!isJsonObject(settings))
      throw wrong(
        [name],
        `${quote(name)}: expected an object of settings, for example {"ELASTICSEARCH_URL": "…"}`,
      );
    return readConnectionValues(settings, `${file}: the cluster ${quote(name)}`);
  };
  const names = Object.keys(value);
  return {
    names,
    only: (wanted) =>
      Object.fromEntries(names.map((name) => [name, name === wanted ? settingsOf(name) : {}])),
  };
}
