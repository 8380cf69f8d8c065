/** @module Durations in a config: checked, and kept as they were written. */
import { parseTimeValue } from '../units.ts';

/** A field whose value must be a time value; it stays text. */
export const timeText = (name: string) => ({
  kind: 'string' as const,
  check: (value: string) => {
    parseTimeValue(value, name);
    return value;
  },
});
