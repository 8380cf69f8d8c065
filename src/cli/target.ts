/** @module Which cluster a command works on: the environment's, one from a file, or the embedded one. */
import type { Command } from 'commander';
import { ElasticsearchCluster } from '../elasticsearch/cluster.ts';
import { readSecret } from '../secrets.ts';
import { type ConnectionValues, findConnection, readConnectionValues } from '../settings.ts';
import type { Clock } from '../sweep/clock.ts';
import { InvalidSettingError } from '../sweep/errors.ts';
import { readDocument } from './document.ts';
import type { Io } from './io.ts';
import { readNamed } from './payload.ts';

export interface TargetOptions {
  readonly embedded?: boolean;
  readonly clusters?: string;
}

/** A cluster and the clock it lives by: the embedded one's runs faster, so that minutes of closing take seconds. */
export interface Target extends AsyncDisposable {
  readonly cluster: ElasticsearchCluster;
  readonly clock: Clock;
}

/** How much faster the embedded cluster's clock runs: its slow job, which closes in four minutes, takes eight seconds. */
export const embeddedSpeed = 30;

export function withTargetOptions(command: Command): Command {
  return command
    .option(
      '--embedded',
      'work on the embedded cluster, a stand-in with some forty jobs that starts and ends with the command',
    )
    .option('--clusters <file>', 'a file (JSON or YAML) with connection settings by cluster name');
}

/**
 * Opens the cluster that the request names.
 * @throws {InvalidSettingError} when no cluster is named at all.
 */
export async function openTarget(name: string, options: TargetOptions, io: Io): Promise<Target> {
  if (options.embedded) return openEmbedded(io);
  const clusters = options.clusters === undefined ? undefined : await readClusters(options.clusters);
  const connection = await findConnection({ cluster: name, environment: io.env, readSecret, clusters });
  if (!connection) {
    throw new InvalidSettingError(
      'no cluster is named: set ELASTICSEARCH_URL (and ELASTICSEARCH_API_KEY), or try the embedded cluster with --embedded',
    );
  }
  return {
    cluster: new ElasticsearchCluster(connection, io.clock),
    clock: io.clock,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function openEmbedded(io: Io): Promise<Target> {
  const [{ startElasticsearch, defaultFleet }, { scaledClock }] = await Promise.all([
    import('../simulator/elasticsearch/index.ts'),
    import('../simulator/clock.ts'),
  ]);
  const clock = scaledClock(embeddedSpeed);
  const server = await startElasticsearch({ clock, fleet: defaultFleet(clock.now()) });
  io.stderr.write(
    `the embedded cluster runs at ${server.url}, its clock ${embeddedSpeed} times as fast as yours\n`,
  );
  return {
    cluster: new ElasticsearchCluster({ address: { url: server.url } }, clock),
    clock,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function readClusters(file: string): Promise<Record<string, ConnectionValues>> {
  const { value } = readDocument(await readNamed(file), file);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidSettingError(
      `${file}: expected an object of clusters by name, as {"default": {"ELASTICSEARCH_URL": "https://host:9200"}}`,
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, settings]) => {
      if (typeof settings !== 'object' || settings === null)
        throw new InvalidSettingError(`${file}: the cluster ${name} is not an object of settings`);
      return [
        name,
        readConnectionValues(settings as Record<string, unknown>, `${file}: the cluster ${name}`),
      ];
    }),
  );
}
