import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/simulator/clock.ts';
import type { Entry } from '../../src/sweep/closing/ledger.ts';
import { Watch } from '../../src/sweep/watch.ts';
import { foundClosing, statsOf } from '../support/entries.ts';
import { now } from '../support/jobs.ts';

interface Given {
  readonly timeoutMs?: number;
  /** What a read takes, milliseconds. */
  readonly readMs?: number;
  readonly readable?: boolean;
  readonly onRead?: (moment: number) => void;
  /** Before anything is dropped. */
  readonly onSeen?: (jobId: string, moment: number) => void;
  /** Whether a job is settled by what is seen at that moment; one whose time is over is dropped anyway. */
  readonly settles?: (jobId: string, moment: number) => boolean;
}

/** A watch and what it does, one line each with the milliseconds since its start. */
function watchOf(given: Given = {}) {
  const { timeoutMs = 10_000, readMs = 0, readable = true, onRead, onSeen, settles } = given;
  const clock = new VirtualClock(now);
  const ending = new AbortController();
  const reads: string[] = [];
  const seen: string[] = [];
  const rounds: number[] = [];
  const bugs: unknown[] = [];
  const moment = () => clock.now() - now;
  const watch: Watch = new Watch({
    clock,
    ending: ending.signal,
    timeoutMs,
    read: async (entries) => {
      reads.push(`${moment()} ${entries.map(({ jobId }) => jobId).join(' ')}`);
      if (readMs > 0) await clock.sleep(readMs);
      onRead?.(moment());
      return readable ? new Map(entries.map(({ jobId }) => [jobId, statsOf(jobId, 'closing')])) : undefined;
    },
    seen: (entry: Entry, states, over) => {
      const state = states ? states.get(entry.jobId)?.state : 'unread';
      seen.push(`${moment()} ${entry.jobId} ${state}${over ? ' over' : ''}`);
      onSeen?.(entry.jobId, moment());
      if (over || settles?.(entry.jobId, moment())) watch.drop(entry);
    },
    roundDone: () => rounds.push(moment()),
    failed: (error) => bugs.push(error),
  });
  return { watch, clock, ending, reads, seen, rounds, bugs };
}

describe('a watch', () => {
  it('reads soon, then at the cluster’s ease, and not past the end', async () => {
    const { watch, clock, reads, seen, rounds } = watchOf({ timeoutMs: 20_000 });
    watch.add(foundClosing('a'));
    expect(watch.isEmpty).toBe(false);
    await clock.sleep(60_000);
    expect(reads).toEqual(['1000 a', '2500 a', '4750 a', '8125 a', '13125 a', '18125 a', '20000 a']);
    expect(seen.at(0)).toBe('1000 a closing');
    expect(seen.at(-2)).toBe('18125 a closing');
    expect(seen.at(-1)).toBe('20000 a closing over');
    expect(watch.isEmpty).toBe(true);
    // after each read, and once more when nothing is left to be watched
    expect(rounds).toEqual([1_000, 2_500, 4_750, 8_125, 13_125, 18_125, 20_000, 20_000]);
  });

  it('reads all of its jobs together, until each is settled', async () => {
    const { watch, clock, reads } = watchOf({ settles: (jobId, moment) => jobId === 'a' && moment > 2_000 });
    watch.add(foundClosing('a'));
    watch.add(foundClosing('b'));
    await clock.sleep(60_000);
    expect(reads).toEqual(['1000 a b', '2500 a b', '4750 b', '8125 b', '10000 b']);
  });

  it('gives each job its own time, and reads as the first of them ends', async () => {
    const { watch, clock, reads, seen } = watchOf({ timeoutMs: 4_000 });
    watch.add(foundClosing('a'));
    await clock.sleep(1_500);
    watch.add(foundClosing('b'));
    await clock.sleep(60_000);
    expect(reads).toEqual(['1000 a', '2500 a b', '4000 a b', '5500 b']);
    expect(seen.filter((line) => line.endsWith('over'))).toEqual([
      '4000 a closing over',
      '5500 b closing over',
    ]);
  });

  it('does not begin again for a job that is watched already', async () => {
    const { watch, clock, seen } = watchOf({ timeoutMs: 4_000 });
    const entry = foundClosing('a');
    watch.add(entry);
    await clock.sleep(1_500);
    watch.add(entry);
    await clock.sleep(60_000);
    expect(seen.at(-1)).toBe('4000 a closing over');
  });

  it('begins at its first pace again after everything was settled', async () => {
    const { watch, clock, reads, rounds } = watchOf({ settles: (_jobId, moment) => moment >= 2_500 });
    watch.add(foundClosing('a'));
    await clock.sleep(5_000);
    watch.add(foundClosing('b'));
    await clock.sleep(5_000);
    expect(reads).toEqual(['1000 a', '2500 a', '6000 b']);
    expect(rounds).toEqual([1_000, 2_500, 2_500, 6_000, 6_000]);
  });

  it('tells of a job that could not be read that it was not', async () => {
    const { watch, clock, seen } = watchOf({ timeoutMs: 2_000, readable: false });
    watch.add(foundClosing('a'));
    await clock.sleep(60_000);
    expect(seen).toEqual(['1000 a unread', '2000 a unread over']);
  });

  it('counts the time that a read takes', async () => {
    const { watch, clock, reads, seen } = watchOf({ timeoutMs: 2_000, readMs: 1_500 });
    watch.add(foundClosing('a'));
    await clock.sleep(60_000);
    expect(reads).toEqual(['1000 a']);
    expect(seen).toEqual(['2500 a closing over']);
  });

  it('says nothing of a job that began to be watched during a read: it would look deleted', async () => {
    const late = foundClosing('b');
    const given = watchOf({
      readMs: 200,
      onRead: (moment) => {
        if (moment === 1_200) given.watch.add(late);
      },
      settles: () => true,
    });
    given.watch.add(foundClosing('a'));
    await given.clock.sleep(60_000);
    expect(given.reads).toEqual(['1000 a', '2700 b']);
    expect(given.seen).toEqual(['1200 a closing', '2900 b closing']);
  });

  it('says nothing of a job that was dropped during a read, or by what was seen of another', async () => {
    const [a, b, c] = [foundClosing('a'), foundClosing('b'), foundClosing('c')];
    const given = watchOf({
      readMs: 200,
      onRead: () => given.watch.drop(a),
      onSeen: (jobId) => {
        if (jobId === 'b') given.watch.drop(c);
      },
      settles: () => true,
    });
    for (const entry of [a, b, c]) given.watch.add(entry);
    await given.clock.sleep(60_000);
    expect(given.reads).toEqual(['1000 a b c']);
    expect(given.seen).toEqual(['1200 b closing']);
  });
});

describe('a watch whose sweep ends', () => {
  it('stops waiting, at once and without another read', async () => {
    const { watch, clock, ending, reads, rounds, bugs } = watchOf();
    watch.add(foundClosing('a'));
    await clock.sleep(500);
    ending.abort(new Error('the sweep ends'));
    await clock.sleep(60_000);
    expect([reads, bugs]).toEqual([[], []]);
    expect(rounds).toEqual([500]);
    expect(watch.isEmpty).toBe(false);
  });

  it('says nothing of what was being read', async () => {
    const given = watchOf({ readMs: 1_000, onRead: () => given.ending.abort(new Error('the sweep ends')) });
    given.watch.add(foundClosing('a'));
    await given.clock.sleep(60_000);
    expect(given.reads).toEqual(['1000 a']);
    expect(given.seen).toEqual([]);
    expect(given.rounds).toEqual([2_000]);
  });
});

describe('a bug', () => {
  it('in what is done with a job is handed on', async () => {
    const bug = new Error('a bug');
    const { watch, clock, bugs, rounds } = watchOf({
      onSeen: () => {
        throw bug;
      },
    });
    watch.add(foundClosing('a'));
    await clock.sleep(60_000);
    expect(bugs).toEqual([bug]);
    expect(rounds).toEqual([]);
  });
});
