/** @module The library that the package exports. docs/library.md explains it; nothing else in the package is public. */

export type { Clock, Limit } from './base/clock.ts';
export {
  AccessDeniedError,
  ClusterUnreachableError,
  InvalidRequestError,
  InvalidSettingError,
  JobsweepError,
  NoSuchJobError,
  NotElasticsearchError,
  StoppedError,
  UnreadableInventoryError,
  WrongClockError,
} from './base/errors.ts';
export { systemClock } from './base/system-clock.ts';
export { ElasticsearchCluster } from './elasticsearch/cluster.ts';
export type { Connection } from './elasticsearch/connection.ts';
export { findConnection } from './settings/find-connection.ts';
export type { Decision } from './sweep/planning/decide.ts';
export type { BlownFuse } from './sweep/planning/fuse.ts';
export type { JobSnapshot } from './sweep/planning/inventory.ts';
export type { Verdict } from './sweep/planning/verdict.ts';
export type { Cluster, FollowUpArranged, FollowUpOrder, FollowUps } from './sweep/ports.ts';
export type { ReportCounts, ReportedFollowUp, ReportedJob, SweepReport } from './sweep/reporting/report.ts';
export { parseRequest } from './sweep/request/read-request.ts';
export type { RequestPayload, SweepRequest } from './sweep/request/request-schema.ts';
export {
  agreedTo,
  type CarriedOut,
  carryOut,
  type Plan,
  type PlanContext,
  planSweep,
  reportPlan,
  type SweepContext,
  type SweepOrder,
  sweep,
} from './sweep/sweep.ts';
export type { FuseName, JobState, OutcomeName, Reason, Status, VerdictName } from './sweep/vocabulary.ts';
