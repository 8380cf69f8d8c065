/** @module `jobsweep simulate elasticsearch`: the embedded cluster as a server. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import { scaledClock } from '../../simulator/clock.ts';
import { defaultFleet, type Fleet, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import { type Stack, stacks } from '../../simulator/elasticsearch/versions.ts';
import { readFleet } from '../../simulator/fleets/read.ts';
import { InvalidSettingError } from '../../sweep/errors.ts';
import type { Register } from '../command.ts';

interface Options {
  readonly port: number;
  readonly stack: Stack;
  readonly empty?: true;
  readonly fleet?: string;
  readonly speed: number;
  readonly seed: number;
}

export const registerSimulateElasticsearch: Register = (simulate, { io, action }) => {
  simulate
    .command('elasticsearch')
    .description('an Elasticsearch that has anomaly detection jobs and nothing else')
    .requiredOption('--port <n>', 'port on 127.0.0.1; 0 picks a free one', wholeNumber(0, 65_535))
    .addOption(new Option('--stack <version>', 'which version to be').choices(stacks).default('9.2'))
    .addOption(new Option('--empty', 'start with no jobs').conflicts('fleet'))
    .option('--fleet <file>', 'start with the jobs of a fleet file')
    .option('--speed <x>', 'how much faster than real time its clock runs', positive, 1)
    .option('--seed <n>', 'seed of everything that is random', wholeNumber(0, 2 ** 31), 1)
    .action(
      action(async (options: Options) => {
        const clock = scaledClock(options.speed);
        await using server = await listen(clock, options, await fleetOf(options, clock.now()));
        io.stdout.write(`listening on ${server.url}\n`);
        if (!io.signal.aborted) await once(io.signal, 'abort');
        return 0;
      }),
    );
};

async function listen(clock: ReturnType<typeof scaledClock>, { port, stack, seed }: Options, fleet: Fleet) {
  try {
    return await startElasticsearch({ clock, fleet, stack, seed, port });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new InvalidSettingError(`--port ${port} is in use; name another, or 0 for a free one`);
    throw error;
  }
}

async function fleetOf(options: Options, now: number): Promise<Fleet> {
  if (options.empty) return {};
  if (options.fleet === undefined) return defaultFleet(now);
  let text: string;
  try {
    text = await readFile(options.fleet, 'utf8');
  } catch (error) {
    throw new InvalidSettingError(`--fleet: cannot read ${options.fleet}: ${(error as Error).message}`);
  }
  return readFleet(text, options.fleet);
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('expected a number over 0');
}
