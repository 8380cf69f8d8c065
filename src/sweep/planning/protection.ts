/** @module A job's own settings on whether it may be closed: `custom_settings.jobsweep` (docs/contract.md §1, "Opting out"). */
import { distance } from 'fastest-levenshtein';

export type Protection =
  /**
   * The job is not protected. `unreadKey` looks like an attempt to opt out, but resembles `jobsweep` too little to
   * count.
   */
  | { readonly kind: 'none'; readonly unreadKey?: string }
  | { readonly kind: 'always' }
  /** Protected up to, and not including, `until` (epoch milliseconds). */
  | { readonly kind: 'until'; readonly until: number }
  /** The job's `jobsweep` setting cannot be read. The job is protected, because the opt-out may only be mistyped. */
  | { readonly kind: 'unreadable' }
  /** The job has a key that resembles `jobsweep`. The job is protected, because its owner probably tried to opt out. */
  | { readonly kind: 'misspelled'; readonly key: string };

/** The settings in `custom_settings` that may be an attempt to opt out, with their stored values. */
export type ProtectionSettings = Readonly<Record<string, unknown>>;

const day = 86_400_000;
// A date, or a date-time with a zone. A local time would mean a different time on each machine.
const momentPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

const name = 'jobsweep';
const fields = ['protect', 'protectUntil'] as const;

const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
const meant = [name, ...fields.map((field) => letters(`${name}${field}`))];

/**
 * The texts that may be a misspelled `jobsweep`: the whole key, and the part before its last dot (`job_sweep` in
 * `job_sweep.protect`).
 */
const spellingsIn = (key: string) => [letters(key), letters(key.slice(0, Math.max(0, key.lastIndexOf('.'))))];

/**
 * Whether a key is `jobsweep`, alone or with a field as in `jobsweep.protect`, or a likely misspelling of it: with
 * different case, `-`, `_` or `.`, with one letter wrong, missing or too many, or with two neighbouring letters
 * swapped.
 */
export function isProtectionKey(key: string): boolean {
  return spellingsIn(key).some((text) => meant.some((own) => isOneSlip(text, own)));
}

const isOneSlip = (text: string, own: string): boolean =>
  Math.abs(text.length - own.length) <= 1 && (distance(text, own) <= 1 || isSwapped(text, own)); // break: swapped-letters

function isSwapped(text: string, own: string): boolean {
  let at = 0;
  while (at < own.length && own[at] === text[at]) at += 1;
  return text === [own.slice(0, at), own.charAt(at + 1), own.charAt(at), own.slice(at + 2)].join('');
}

/**
 * Whether a setting may be an attempt to opt out: it is `jobsweep`, resembles it, or asks for protection in other
 * words.
 */
export function mayConcernProtection(key: string, value: unknown): boolean {
  return isProtectionKey(key) || isUnreadWish(key, value);
}

/** Whether a setting is an attempt to opt out, with a key that resembles `jobsweep` too little to count. */
function isUnreadWish(key: string, value: unknown): boolean {
  if (value === false || value === null) return false;
  const isNear = (text: string) =>
    text.includes(name) ||
    meant.some((own) => Math.abs(text.length - own.length) <= 2 && distance(text, own) <= 2);
  const fieldNames = fields.map(letters);
  return (
    spellingsIn(key).some(isNear) ||
    fieldNames.includes(letters(key)) ||
    (typeof value === 'object' && fields.some((field) => Object.hasOwn(value, field)))
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
  // If the nested and the dotted settings disagree, the stronger protection counts.
  const strongest = (kind: Protection['kind']) => read.find((protection) => protection.kind === kind);
  const untils = read.flatMap((protection) => (protection.kind === 'until' ? [protection.until] : []));
  return (
    strongest('unreadable') ??
    strongest('always') ??
    (untils.length > 0
      ? { kind: 'until', until: Math.max(...untils) }
      : noProtection(read.length > 0, others))
  );
}

/**
 * The result for a job that is not protected. If the job has the right key, its owner knows the spelling, so other keys
 * are not reported.
 */
function noProtection(hasRightKey: boolean, others: ProtectionSettings): Protection {
  const [unreadKey] = hasRightKey
    ? []
    : (Object.entries(others).find(([key, value]) => isUnreadWish(key, value)) ?? []);
  return { kind: 'none', ...(unreadKey !== undefined && { unreadKey }) };
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
  // Date.parse turns 31 February into 3 March. A date that Date.parse changes is invalid.
  if (Number.isNaN(at) || !moment.startsWith(new Date(moment.slice(0, 10)).toISOString().slice(0, 10)))
    return null;
  return time === undefined ? at + day : at;
}
