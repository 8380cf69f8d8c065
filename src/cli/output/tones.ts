/** @module The tone of each verdict and outcome, in the terminal and in the HTML report. */
import type { OutcomeName, VerdictName } from '../../sweep/vocabulary.ts';
import type { Tone } from './paint.ts';

export const toneOfVerdict: Readonly<Record<VerdictName, Tone>> = {
  keep: 'faint',
  close: 'notice',
  force: 'warning',
  wait: 'notice',
};

export const toneOfOutcome: Readonly<Record<OutcomeName, Tone>> = {
  closed: 'good',
  force_closed: 'warning',
  already_closed: 'good',
  closing: 'warning',
  error: 'bad',
  unknown: 'bad',
  revived: 'notice',
  gone: 'notice',
  not_attempted: 'warning',
  kept: 'faint',
};
