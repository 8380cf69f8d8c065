/** @module The public entry of the simulators: two servers, their clocks, and fleets. Exports only. */
export { type SimulatorClock, scaledClock, VirtualClock } from './clock.ts';
export {
  defaultFleet,
  type ElasticsearchOptions,
  type EmbeddedElasticsearch,
  type Fault,
  type Fleet,
  type FleetJob,
  type JobTruth,
  type RecordedRequest,
  SimulatedCluster,
  startElasticsearch,
} from './elasticsearch/index.ts';
export { type Stack, stacks } from './elasticsearch/versions.ts';
export { checkFleet } from './fleets/check.ts';
export { copyFleet } from './fleets/from-cluster.ts';
export { generateFleet } from './fleets/generate.ts';
export { FleetError } from './fleets/schema.ts';
export {
  type ApiFault,
  type Delivery,
  type EmbeddedScheduler,
  type FailedEvent,
  type Invocation,
  type SchedulerOptions,
  startScheduler,
} from './scheduler/index.ts';
export { trackHttp } from './track-http.ts';
