/** @module A finding of `jobsweep doctor`: what was checked, the result, and what to do. */

/** `note` needs no action; `finding` should be fixed (exit code 3). */
export type Level = 'ok' | 'note' | 'finding';

export interface Finding {
  /** `connection`, `privileges`, … */
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  /** What to do. Always set if the level is `finding`. */
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
