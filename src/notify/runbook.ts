/** @module Links to the sections of docs/runbook.md. A test compares these names with the page's headings. */
import type { FuseName, NotAttemptedReason, Status } from '../sweep/vocabulary.ts';
import type { WarningCode } from './warnings.ts';

/** A section of the runbook. */
export type Anchor =
  | `alarm-${string}`
  | `status-${Status}`
  | `refused-${FuseName}`
  | `not-attempted-${NotAttemptedReason}`
  | `exit-${0 | 1 | 2 | 3 | 4 | 5}`
  | `error-${string}`
  | `warning-${WarningCode}`
  | 'notifications';

const page = 'https://github.com/jobsweep/jobsweep/blob/main/docs/runbook.md';

export const runbookLink = (anchor: Anchor): string => `${page}#${anchor}`;

/** The section of an error, by its name. */
export const errorAnchor = (name: string): Anchor => `error-${name.toLowerCase()}`;
