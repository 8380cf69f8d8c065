/**
 * @module Finds out cheaply whether any notifications could be configured. Every cold start loads this module. The rest
 * of `notify/` is loaded only if needed.
 */
import type { Environment } from '../settings/environment.ts';

/** Whether a target may be configured: in the environment, or in a secret. Does not read the secret. */
export const mayNotify = (environment: Environment): boolean =>
  Boolean(environment.ELASTICSEARCH_SECRET?.trim()) ||
  Object.keys(environment).some((name) => name.startsWith('JOBSWEEP_NOTIFY_'));
