/** @module Durations in a config: checked, and stored as written. */
import { parseTimeValue } from '../units.ts';

/** A field whose value must be a time value and stays text. */
export const timeText = (name: string) => ({
  kind: 'string' as const,
  check: (value: string) => {
    parseTimeValue(value, name);
    return value;
  },
});
