/**
 * @module The types of a request with all fields spelled out. The compiler writes all fields into the declaration of
 * this file, so that the published types do not need zod. This file is never run.
 */
import type { FollowUpOf, RequestPayload, SweepRequest } from '../../src/sweep/request/request-schema.ts';

declare const request: SweepRequest;
declare const payload: RequestPayload;
declare const followUp: FollowUpOf;

export const sweepRequest = { ...request };
export const requestPayload = { ...payload };
export const followUpOf = { ...followUp };
