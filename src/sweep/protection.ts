/** @module A job's own word on whether it may be closed: `custom_settings.jobsweep` (contract §1, "Opting out"). */

export type Protection =
  | { readonly kind: 'none' }
  | { readonly kind: 'always' }
  /** Protected up to, and not including, `until` (epoch milliseconds). */
  | { readonly kind: 'until'; readonly until: number }
  /** Something is said that cannot be read: it protects, because a typo must not cost a job its protection. */
  | { readonly kind: 'unreadable' };

const day = 86_400_000;
// A date, or a moment with its zone: a local time would mean another moment on every machine that reads it.
const momentPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** Reads `custom_settings.jobsweep`; undefined when the job has none. */
export function readProtection(value: unknown): Protection {
  if (value === undefined) return { kind: 'none' };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'unreadable' };
  const { protect, protectUntil, ...unknown } = value as Record<string, unknown>;
  if (Object.keys(unknown).length > 0) return { kind: 'unreadable' };
  // break: unreadable-protection
  if (protect !== undefined && typeof protect !== 'boolean') return { kind: 'unreadable' };
  const until = protectUntil === undefined ? undefined : readMoment(protectUntil);
  if (until === null) return { kind: 'unreadable' };
  if (protect) return { kind: 'always' };
  return until === undefined ? { kind: 'none' } : { kind: 'until', until };
}

export function protects(protection: Protection, now: number): boolean {
  if (protection.kind === 'until') return now < protection.until;
  return protection.kind !== 'none';
}

/** Epoch milliseconds at which a protection ends; null when it cannot be read. */
function readMoment(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const match = momentPattern.exec(value);
  if (!match) return null;
  const [moment, time] = match;
  const at = Date.parse(moment);
  // Date.parse takes the 31st of February for the 3rd of March: what does not come back as it was is no date.
  if (Number.isNaN(at) || !moment.startsWith(new Date(moment.slice(0, 10)).toISOString().slice(0, 10)))
    return null;
  return time === undefined ? at + day : at;
}
