import { describe, expect, it } from 'vitest';
import { foldTimeline } from '../../../src/sweep/advising/folded-timeline.ts';
import type { TimelineEvent } from '../../../src/sweep/advising/timeline.ts';

const hour = 3_600_000;
const start = Date.parse('2026-05-01T00:00:00Z');

/** Events with these texts, one each hour. */
const events = (...texts: readonly string[]): TimelineEvent[] =>
  texts.map((what, index) => ({
    at: new Date(start + index * hour).toISOString(),
    what,
    source: what.startsWith('model') ? 'snapshots' : 'notifications',
  }));

const shown = (...texts: readonly string[]) =>
  foldTimeline(events(...texts)).map(({ at, what }) => `${at.slice(11, 13)} ${what}`);

const silent = 'datafeed finds no data';
const again = 'datafeed finds data again';
const saved = 'model saved, no newer record';

describe('a folded timeline', () => {
  it('a timeline counts on one line how often a datafeed found no data and then data again', () => {
    expect(shown('opened', silent, again, silent, again, silent, again, 'closed')).toEqual([
      '00 opened',
      '01 datafeed finds no data and finds data again, 3 times until 2026-05-01 06:00:00 UTC',
      '07 closed',
    ]);
  });

  it('a timeline shows the last silence of a datafeed on a separate line if the silence has not ended', () => {
    expect(shown(silent, again, silent, again, silent, silent, silent)).toEqual([
      '00 datafeed finds no data and finds data again, 2 times until 2026-05-01 03:00:00 UTC',
      '04 datafeed finds no data, 3 times until 2026-05-01 06:00:00 UTC',
    ]);
  });

  it('a timeline folds repeated messages into one line even if other messages come between them, but never across an open or a close', () => {
    expect(shown(saved, silent, saved, silent, saved, silent, 'closed', saved, saved, saved)).toEqual([
      '00 model saved, no newer record, 3 times until 2026-05-01 04:00:00 UTC',
      '01 datafeed finds no data, 3 times until 2026-05-01 05:00:00 UTC',
      '06 closed',
      '07 model saved, no newer record, 3 times until 2026-05-01 09:00:00 UTC',
    ]);
  });

  it('a timeline does not fold a message that occurs only once or twice', () => {
    const few = [silent, again, saved, saved, 'closed', silent];
    expect(foldTimeline(events(...few))).toEqual(events(...few));
  });

  it('a timeline folds repeated silences into one line, with the shortest and the longest duration', () => {
    expect(shown('silent for 12 hours', 'silent for 40 hours', 'silent for 20 hours')).toEqual([
      '00 silent for 12 to 40 hours, 3 times until 2026-05-01 02:00:00 UTC',
    ]);
  });
});
