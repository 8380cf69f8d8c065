/** @module A job's own settings on whether it may be closed: `custom_settings.jobsweep` (docs/contract.md §1, "Opting out"). */
import { distance } from 'fastest-levenshtein';

export type Protection =
  | { readonly kind: 'none' }
  | { readonly kind: 'always' }
  /** Protected up to, and not including, `until` (epoch milliseconds). */
  | { readonly kind: 'until'; readonly until: number }
  /** Its `jobsweep` setting cannot be read. It protects, because a typo must not cost a job its protection. */
  | { readonly kind: 'unreadable' }
  /** It has a key that resembles `jobsweep`, so its owner probably tried to opt out. It protects. */
  | { readonly kind: 'misspelled'; readonly key: string };

/** The keys of `custom_settings` that equal or resemble `jobsweep`, with their stored values. */
export type ProtectionSettings = Readonly<Record<string, unknown>>;

const day = 86_400_000;
// A date, or a date-time with a zone. A local time would mean a different moment on each machine.
const momentPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

const name = 'jobsweep';
const fields = ['protect', 'protectUntil'] as const;

/** Whether a key is `jobsweep`, in either spelling, or differs from it only by case, `-`, `_`, `.` or one letter. */
export function isProtectionKey(key: string): boolean {
  const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  // In `job_sweep.protect`, the name is the part before the last dot.
  const beforeField = key.slice(0, Math.max(0, key.lastIndexOf('.')));
  const written = [letters(key), letters(beforeField)];
  const meant = [name, ...fields.map((field) => letters(`${name}${field}`))];
  return written.some((text) =>
    meant.some((own) => Math.abs(text.length - own.length) <= 1 && distance(text, own) <= 1),
  );
}

/** Reads a job's settings: `{"jobsweep": {"protect": true}}` and `{"jobsweep.protect": true}` mean the same. */
export function readProtection(settings: ProtectionSettings = {}): Protection {
  const { [name]: nested, ...others } = settings;
  const dotted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(others)) {
    if (key.startsWith(`${name}.`)) dotted[key.slice(name.length + 1)] = value;
    // break: misspelled-opt-out
    else if (isProtectionKey(key)) return { kind: 'misspelled', key };
  }
  const read = [
    ...(nested === undefined ? [] : [readFields(nested)]),
    ...(Object.keys(dotted).length === 0 ? [] : [readFields(dotted)]),
  ];
  // If the two spellings disagree, the longer protection counts.
  const strongest = (kind: Protection['kind']) => read.find((protection) => protection.kind === kind);
  const untils = read.flatMap((protection) => (protection.kind === 'until' ? [protection.until] : []));
  return (
    strongest('unreadable') ??
    strongest('always') ??
    (untils.length > 0 ? { kind: 'until', until: Math.max(...untils) } : { kind: 'none' })
  );
}

function readFields(value: unknown): Protection {
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

/** When a protection ends, epoch milliseconds; null if the text cannot be read. */
function readMoment(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const match = momentPattern.exec(value);
  if (!match) return null;
  const [moment, time] = match;
  const at = Date.parse(moment);
  // Date.parse turns 31 February into 3 March. A date that does not survive the round trip is invalid.
  if (Number.isNaN(at) || !moment.startsWith(new Date(moment.slice(0, 10)).toISOString().slice(0, 10)))
    return null;
  return time === undefined ? at + day : at;
}
