/** @module Links to the sections of docs/runbook.md. A test compares these names with the page's headings. */
import type { FuseName, NotAttemptedReason, Status } from '../vocabulary.ts';
import type { WarningCode } from './warning-codes.ts';

/** A section of the runbook. */
export type Anchor =
  | `alarm-${string}`
  | `status-${Status}`
  | `refused-${FuseName}`
  | `not-attempted-${NotAttemptedReason}`
  | `exit-${0 | 1 | 2 | 3 | 4 | 5}`
  | `error-${string}`
  | `warning-${WarningCode}`
  | 'a-job-was-forced'
  | 'exit-codes'
  | 'notifications'
  | 'report-not-stored'
  | 'sweep-once-with-a-raised-limit'
  | 'undo'
  | 'warnings';

const page = 'docs/runbook.md';

export const runbookLink = (anchor: Anchor): string =>
  `https://github.com/jobsweep/jobsweep/blob/main/${page}#${anchor}`;

/** The section's path without the site's address, for texts that are followed by a complete link. */
export const runbookSection = (anchor: Anchor): string => `${page}#${anchor}`;

/** The section about an error, by the error's name. Errors other than our own share one section. */
export const errorAnchor = (name: string, exit: number): Anchor =>
  exit === 1 ? 'error-unexpected' : `error-${name.toLowerCase()}`;

/** The most important section for a report; undefined if there is nothing to look up. */
export function reportAnchor({
  status,
  fuse,
  counts,
  warnings,
}: {
  readonly status: Status;
  readonly fuse: { readonly name: FuseName } | null;
  readonly counts: { readonly forceClosed: number };
  readonly warnings: readonly string[];
}): Anchor | undefined {
  if (fuse) return `refused-${fuse.name}`;
  if (status !== 'done') return `status-${status}`;
  if (counts.forceClosed > 0) return 'a-job-was-forced';
  return warnings.length > 0 ? 'warnings' : undefined;
}
