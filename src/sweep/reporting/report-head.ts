/** @module The part of a report that is known before the first request to close. */

export interface ReportHead {
  readonly sweepId: string;
  readonly cluster: { readonly name: string; readonly id: string; readonly version: string | null };
  /** ISO date-time in UTC. */
  readonly startedAt: string;
  /** For a follow-up: the sweep that started its chain of follow-ups, and its number in that chain. */
  readonly followUpOf?: { readonly sweepId: string; readonly round: number; readonly rest?: true };
}
