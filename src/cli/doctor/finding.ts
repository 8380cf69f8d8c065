/** @module What a check of `jobsweep doctor` says: what was looked at, what is there, what to do. */

/** `ok`; `note` is worth knowing and nothing to do; `finding` should be mended (exit 3). */
export type Level = 'ok' | 'note' | 'finding';

export interface Finding {
  /** `connection`, `privileges`, … */
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  /** What to do; always there for a finding. */
  readonly advice?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found });
export const note = (check: string, found: string, advice?: string): Finding => ({
  check,
  level: 'note',
  found,
  ...(advice !== undefined && { advice }),
});
export const finding = (check: string, found: string, advice: string): Finding => ({
  check,
  level: 'finding',
  found,
  advice,
});
