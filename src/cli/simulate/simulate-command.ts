/** @module `jobsweep simulate`: the embedded stand-ins as servers, for trying things by hand (docs/contract.md §5, §6). */
import type { Register } from '../command.ts';
import { registerSimulateElasticsearch } from './simulate-elasticsearch.ts';
import { registerSimulateScheduler } from './simulate-scheduler.ts';

export const registerSimulate: Register = (program, context) => {
  const simulate = program
    .command('simulate')
    .description('run an embedded stand-in as a server on loopback, for trying things by hand');
  registerSimulateElasticsearch(simulate, context);
  registerSimulateScheduler(simulate, context);
};
