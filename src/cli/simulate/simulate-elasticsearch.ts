/** @module `jobsweep simulate elasticsearch`: the embedded cluster as a server (docs/contract.md §6). */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import { scaledClock } from '../../../simulator/clock.ts';
import { defaultFleet, type Fleet, startElasticsearch } from '../../../simulator/elasticsearch/index.ts';
import { type Stack, stacks } from '../../../simulator/elasticsearch/versions.ts';
import { checkFleet } from '../../../simulator/fleets/check.ts';
import { copyFleet } from '../../../simulator/fleets/from-cluster.ts';
import { generateFleet } from '../../../simulator/fleets/generate.ts';
import { FleetError } from '../../../simulator/fleets/schema.ts';
import { ClusterUnreachableError, InvalidSettingError } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import { connect } from '../../elasticsearch/client/client.ts';
import { shownAddress } from '../../elasticsearch/connection.ts';
import { findConnection } from '../../settings/find-connection.ts';
import { secretReader } from '../../settings/secrets.ts';
import type { Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { documentError, readDocument } from '../input/document.ts';
import { readNamed } from '../input/payload.ts';
import type { ExitCode, Io } from '../io.ts';

interface Options {
  readonly port: number;
  readonly stack: Stack;
  readonly empty?: true;
  readonly fleet?: string;
  readonly jobs?: number;
  readonly from?: string;
  readonly hashIds?: true;
  readonly save?: string;
  readonly speed: number;
  readonly seed: number;
}

/** Maximum number of requests that the server remembers, because it may run for days. */
const rememberedRequests = 1_000;

export const registerSimulateElasticsearch: Register = (simulate, { io, action }) => {
  const source = (option: Option, ...others: string[]) => option.conflicts(others);
  const command = simulate
    .command('elasticsearch')
    .description('an Elasticsearch that has anomaly detection jobs and nothing else')
    .optionsGroup('Server:')
    .option('--port <number>', 'port on 127.0.0.1; 0 picks a free one', wholeNumber(0, 65_535), 0)
    .addOption(new Option('--stack <version>', 'which version to be').choices(stacks).default('9.2'))
    .option('--speed <factor>', 'how much faster than real time its clock runs', factor, 1)
    .option('--seed <number>', 'seed of everything that is random', wholeNumber(0, 2 ** 31), 1)
    .optionsGroup('Jobs:')
    .addOption(source(new Option('--empty', 'start with no jobs'), 'fleet', 'jobs', 'from'))
    .addOption(
      source(new Option('--fleet <file>', 'start with the fleet of a file (JSON or YAML)'), 'jobs', 'from'),
    )
    .addOption(
      source(new Option('--jobs <number>', 'start with this many generated jobs'), 'from').argParser(
        wholeNumber(1, 100_000),
      ),
    )
    .addOption(
      new Option(
        '--from <url>',
        'start with a copy of the jobs of this cluster, which is only read; credentials come from the environment',
      ),
    )
    .option('--hash-ids', 'with --from: replace ids, groups, nodes and texts by hashes')
    .option('--save <file>', 'write the fleet to a file, and do not serve it')
    .addHelpText(
      'after',
      '\nWithout --empty, --fleet, --jobs or --from it has some forty jobs over three nodes. Without users in the fleet it asks for no credentials.',
    )
    .action(action((options: Options) => simulateElasticsearch(options, io)));
  withExamples(command, [
    ['jobsweep simulate elasticsearch --port 9200 --speed 60', 'a cluster whose minutes take a second'],
    [
      'jobsweep simulate elasticsearch --from URL --hash-ids --save fleet.json',
      'save a copy of the jobs of a cluster, without their names',
    ],
  ]);
};

async function simulateElasticsearch(options: Options, io: Io): Promise<ExitCode> {
  const clock = scaledClock(options.speed, io.clock.now());
  const { fleet, refused } = await fleetOf(options, io);
  if (options.save !== undefined) {
    await writeFile(options.save, `${JSON.stringify(fleet, null, 2)}\n`).catch(
      (error: NodeJS.ErrnoException) => {
        throw new InvalidSettingError(`--save: ${options.save} cannot be written: ${error.code}`);
      },
    );
    io.stderr.write(`${options.save} has ${fleet.jobs?.length ?? 0} jobs\n`);
    return 0;
  }
  const { stack, seed, port } = options;
  await using server = await startElasticsearch({
    clock,
    fleet,
    stack,
    seed,
    port,
    rememberedRequests,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof FleetError && refused) throw refused(error);
    if (error.code === 'EADDRINUSE' || error.code === 'EACCES')
      throw new InvalidSettingError(
        `--port ${port}: the port cannot be used (${error.code}); take another, or 0 for a free one`,
      );
    throw error;
  });
  io.stdout.write(`listening on ${server.url}\n`);
  if (!io.signal.aborted) await once(io.signal, 'abort');
  return 0;
}

interface ChosenFleet {
  readonly fleet: Fleet;
  /** Returns the error to throw if the cluster refuses a part of the fleet. Set only if the fleet comes from a file. */
  readonly refused?: (error: FleetError) => Error;
}

async function fleetOf(
  { empty, fleet: file, jobs, from, hashIds, seed }: Options,
  io: Io,
): Promise<ChosenFleet> {
  if (hashIds && from === undefined)
    throw new InvalidSettingError('--hash-ids needs --from with the cluster to copy');
  // A typical trial setup: one node with room for many jobs.
  if (empty) return { fleet: { nodes: [{ name: 'ml-0', memory: '256gb' }] } };
  if (jobs !== undefined) return { fleet: generateFleet({ jobs, seed }) };
  if (from !== undefined) return { fleet: await copyOf(from, hashIds === true, io) };
  if (file === undefined) return { fleet: defaultFleet(io.clock.now()) };
  const document = readDocument(await readNamed(file), file);
  const checked = checkFleet(document.value);
  if (checked.problems) throw documentError(document, checked.problems);
  return {
    fleet: checked.fleet,
    refused: ({ path, message }) => {
      const problem = `the cluster refuses it: ${message}`;
      return documentError(document, [{ field: path.join('.'), path, message: problem }]);
    },
  };
}

async function copyOf(url: string, hashIds: boolean, io: Io): Promise<Fleet> {
  const connection = await findConnection({
    cluster: 'default',
    environment: { ...io.env, ELASTICSEARCH_URL: url, ELASTICSEARCH_CLOUD_ID: undefined },
    readSecret: secretReader(systemClock, io.env),
  });
  if (!connection) throw new InvalidSettingError('--from: expected an address such as https://host:9200');
  const client = await connect(connection, io.signal);
  try {
    const read = (path: string) => client.transport.request({ method: 'GET', path }, { signal: io.signal });
    const fleet = await copyFleet(read, { now: io.clock.now(), hashIds });
    io.stderr.write(
      `copied ${fleet.jobs?.length ?? 0} jobs of ${shownAddress(connection)}, which was only read\n`,
    );
    return fleet;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new ClusterUnreachableError(`--from: ${shownAddress(connection)} could not be read: ${reason}`, {
      cause: error,
    });
  } finally {
    await client.close();
  }
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

function factor(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError('expected a number over 0, up to 1000000');
}
