/** @module Durations in a config: checked, and stored as written. */
import { parseTimeValue } from '../units.ts';

/** A field that must contain a valid time value and is stored as text. */
export const timeText = (name: string) => ({
  kind: 'string' as const,
  check: (value: string) => {
    parseTimeValue(value, name);
    return value;
  },
});
