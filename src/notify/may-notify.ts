/**
 * @module Finds out cheaply whether any notifications could be configured. Every cold start loads this module. The rest
 * of `notify/` is loaded only if needed.
 */
import type { Environment } from '../settings/environment.ts';

/** Whether a target could be configured. Reads no secret. */
export const mayNotify = (environment: Environment): boolean =>
  Boolean(environment.ELASTICSEARCH_SECRET?.trim()) ||
  Object.keys(environment).some((name) => name.startsWith('JOBSWEEP_NOTIFY_'));
