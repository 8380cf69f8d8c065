/** @module The copy that the report contains of the part of the request that decides which jobs are idle. */
import { formatIdleTime } from '../../base/duration.ts';
import type { SweepRequest } from '../request/request-schema.ts';

export interface ReportedRequest {
  readonly idleFor: string;
  /** Absent if the request names all jobs with `*`. */
  readonly jobs?: readonly string[];
  /** Absent if the request excludes no names. */
  readonly exclude?: readonly string[];
  /** How many names were left out to keep the answer within the function's limit. */
  readonly namesOmitted?: number;
}

export function reportRequest({ idleFor, jobs, exclude }: SweepRequest): ReportedRequest {
  return {
    idleFor: formatIdleTime(idleFor),
    ...(!(jobs.length === 1 && jobs[0] === '*') && { jobs }),
    ...(exclude.length > 0 && { exclude }),
  };
}
