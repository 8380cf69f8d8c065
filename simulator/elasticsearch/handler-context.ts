/** @module Everything that a request handler can use. */
import type { Security } from './security.ts';
import type { ClusterState } from './state/cluster-state.ts';

export interface HandlerContext {
  readonly cluster: ClusterState;
  readonly security: Security;
}
