/**
 * @module The types of a request, spread out: the compiler writes their fields into the declaration of this file, so
 * that the published types need no zod. Nothing runs this file.
 */
import type { FollowUpOf, RequestPayload, SweepRequest } from '../../src/sweep/request/request-schema.ts';

declare const request: SweepRequest;
declare const payload: RequestPayload;
declare const followUp: FollowUpOf;

export const sweepRequest = { ...request };
export const requestPayload = { ...payload };
export const followUpOf = { ...followUp };
