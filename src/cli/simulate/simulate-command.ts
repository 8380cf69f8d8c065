/** @module `jobsweep simulate`: the simulators as servers, for trying things by hand (docs/contract.md §5, §6). */
import type { Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { registerSimulateElasticsearch } from './simulate-elasticsearch.ts';
import { registerSimulateScheduler } from './simulate-scheduler.ts';

export const registerSimulate: Register = (program, context) => {
  const simulate = program
    .command('simulate')
    .description('run an embedded stand-in as a server on loopback, for trying things by hand');
  withExamples(simulate, [
    ['jobsweep simulate elasticsearch --port 9200 --speed 60', 'a cluster whose minutes take a second'],
    ['jobsweep simulate scheduler --port 9300 --invoke URL', 'a scheduler that invokes the function at URL'],
  ]);
  registerSimulateElasticsearch(simulate, context);
  registerSimulateScheduler(simulate, context);
};
