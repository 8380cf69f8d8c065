import { describe, expect, it } from 'vitest';
import { Entry, type Outcome } from '../../../src/sweep/closing/ledger.ts';
import type { Verdict } from '../../../src/sweep/planning/verdict.ts';
import { isPartial } from '../../../src/sweep/reporting/partial.ts';
import { idleJob, now } from '../../support/jobs.ts';

const idle: Verdict = { verdict: 'close', reason: 'idle' };

function entryOf(outcome: Outcome): Entry {
  const entry = new Entry(idleJob(), idle);
  entry.settle(outcome, now);
  return entry;
}

describe('a partial sweep', () => {
  it.each<[Outcome, boolean]>([
    [{ outcome: 'closed' }, false],
    [{ outcome: 'force_closed' }, false],
    [{ outcome: 'already_closed' }, false],
    [{ outcome: 'kept' }, false],
    [{ outcome: 'gone' }, false],
    [{ outcome: 'revived' }, false],
    [{ outcome: 'closing' }, true],
    [{ outcome: 'unknown' }, true],
    [{ outcome: 'error', error: { status: 0, type: 't', reason: 'r' } }, true],
    [{ outcome: 'not_attempted', because: 'time' }, true],
    [{ outcome: 'not_attempted', because: 'limit' }, true],
    [{ outcome: 'not_attempted', because: 'signal' }, true],
    [{ outcome: 'not_attempted', because: 'fuse' }, false],
    [{ outcome: 'not_attempted', because: 'dry_run' }, false],
  ])('whether a sweep with a job that ended as %j is partial: %s', (outcome, expected) => {
    expect(isPartial([entryOf({ outcome: 'closed' }), entryOf(outcome)], new Set())).toBe(expected);
  });

  it('a sweep is not partial if a follow-up handles the closing job', () => {
    const entry = entryOf({ outcome: 'closing' });
    expect(isPartial([new Entry(idleJob(), idle)], new Set())).toBe(false);
    expect(isPartial([entry], new Set([entry.jobId]))).toBe(false);
    expect(isPartial([entry], new Set(['another']))).toBe(true);
  });

  it.each<Outcome>([
    { outcome: 'unknown' },
    { outcome: 'error', error: { status: 0, type: 't', reason: 'r' } },
    { outcome: 'not_attempted', because: 'limit' },
  ])('a sweep with a job that ended as %j is partial, even if a follow-up handles the job', (outcome) => {
    const entry = entryOf(outcome);
    expect(isPartial([entry], new Set([entry.jobId]))).toBe(true);
  });
});
