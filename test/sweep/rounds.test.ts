import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/simulator/clock.ts';
import type { Entry } from '../../src/sweep/closing/ledger.ts';
import { Places } from '../../src/sweep/closing/places.ts';
import type { JobStats } from '../../src/sweep/ports.ts';
import { Rounds } from '../../src/sweep/rounds.ts';
import type { States } from '../../src/sweep/states.ts';
import { entryOf, statsOf } from '../support/entries.ts';
import { now } from '../support/jobs.ts';

interface Given {
  readonly perNode?: number;
  readonly mostJobs?: number;
  /** What a read takes, milliseconds. */
  readonly readMs?: number;
  /** The state of a job so long after it was asked; closed after two seconds, if not said. Undefined: it is gone. */
  readonly stateAfter?: (jobId: string, ms: number) => string | undefined;
  readonly readable?: (moment: number) => boolean;
  readonly mayStart?: (started: number) => boolean;
  readonly onStart?: (entries: readonly Entry[]) => void;
}

/** The jobs `1`, `2`, … of one node, in the order of their turn. */
const jobs = (count: number): Entry[] =>
  Array.from({ length: count }, (_, index) =>
    entryOf(`${index + 1}`, {}, { job: { modelBytes: 2 ** (40 - index) } }),
  );

/** Rounds and what they do, one line each with the milliseconds since their start. */
function roundsOf(entries: readonly Entry[], given: Given = {}) {
  const { perNode = 1, mostJobs = 20, readMs = 0, readable = () => true, mayStart = () => true } = given;
  const { stateAfter = (_jobId: string, ms: number) => (ms < 2_000 ? 'closing' : 'closed'), onStart } = given;
  const clock = new VirtualClock(now);
  const ending = new AbortController();
  const asked = new Map<string, number>();
  const log: string[] = [];
  const moment = () => clock.now() - now;
  const note = (what: string, ids: Iterable<string>) => log.push([moment(), what, ...ids].join(' '));
  const stateOf = (jobId: string) => {
    const at = asked.get(jobId);
    return at === undefined ? 'opened' : stateAfter(jobId, moment() - at);
  };
  let over = false;
  let started = 0;
  const places = new Places(entries, perNode, mostJobs);
  const rounds: Rounds = new Rounds(places, {
    clock,
    ending: ending.signal,
    mayStart: () => mayStart(started),
    start: (batch, areTold) => {
      started += 1;
      const ids = batch.entries.map(({ jobId }) => jobId);
      for (const id of ids) asked.set(id, moment());
      note(areTold ? 'start' : 'start unread', ids);
      onStart?.(batch.entries);
    },
    read: async (toRead) => {
      note(
        'read',
        toRead.map(({ jobId }) => jobId).sort((a, b) => Number(a) - Number(b)),
      );
      const states: States = new Map(
        toRead.flatMap(({ jobId }): [string, JobStats][] => {
          const state = stateOf(jobId);
          return state === undefined ? [] : [[jobId, statsOf(jobId, state)]];
        }),
      );
      if (readMs > 0) await clock.sleep(readMs);
      return readable(moment()) ? states : undefined;
    },
    isOver: () => over,
  });
  const end = () => {
    over = true;
  };
  return { rounds, places, clock, ending, log, moment, end };
}

describe('rounds of places', () => {
  it('read nothing where nobody waits for a place', async () => {
    const { rounds, log } = roundsOf([]);
    await rounds.run();
    expect(log).toEqual([]);
  });

  it('read those that are next, have them asked, and are over when nobody waits any more', async () => {
    const { rounds, log } = roundsOf(jobs(2), { perNode: 2 });
    await rounds.run();
    expect(log).toEqual(['0 read 1 2', '0 start 1 2']);
  });

  it('read those that hold a place and three that are next, and give a place that got free to the next', async () => {
    const { rounds, log, moment } = roundsOf(jobs(6), { perNode: 2 });
    await rounds.run();
    expect(log).toEqual([
      '0 read 1 2',
      '0 start 1 2',
      '1000 read 1 2 3 4 5',
      '3000 read 1 2 3 4 5',
      '3000 start 3 4',
      '4000 read 3 4 5 6',
      '6000 read 3 4 5 6',
      '6000 start 5 6',
    ]);
    expect(moment()).toBe(6_000);
  });

  it('come ever slower while no place gets free, and at the first pace again once one did', async () => {
    const { rounds, log } = roundsOf(jobs(3), {
      stateAfter: (jobId, ms) => (ms < (jobId === '1' ? 20_000 : 2_500) ? 'closing' : 'closed'),
    });
    await rounds.run();
    expect(log).toEqual([
      '0 read 1',
      '0 start 1',
      ...[1_000, 3_000, 7_000, 12_000, 17_000, 22_000].map((at) => `${at} read 1 2 3`),
      '22000 start 2',
      '23000 read 2 3',
      '25000 read 2 3',
      '25000 start 3',
    ]);
  });

  it.each([
    ['closed', true],
    ['failed', true],
    [undefined, true],
    ['closing', false],
    ['opened', false],
    ['a state of a later version', false],
  ])('take a job that is %s as one that no longer needs its place: %s', async (state, free) => {
    const { rounds, log, clock, end } = roundsOf(jobs(2), { stateAfter: () => state });
    void rounds.run();
    await clock.sleep(2_000);
    end();
    await clock.sleep(10_000);
    expect(log).toEqual(['0 read 1', '0 start 1', '1000 read 1 2', ...(free ? ['1000 start 2'] : [])]);
  });

  it('give out as many requests as may be in flight, and look again soon when none may', async () => {
    const { rounds, log, clock } = roundsOf(jobs(4), {
      perNode: 4,
      mostJobs: 1,
      mayStart: (started) => started < (clock.now() - now < 2_000 ? 0 : 2) || clock.now() - now > 4_000,
    });
    await rounds.run();
    expect(log).toEqual([
      '0 read 1 2 3 4',
      '2000 read 1 2 3',
      '2000 start 1',
      '2000 start 2',
      '3000 read 1 2 3 4',
      '5000 read 1 2 3 4',
      '5000 start 3',
      '5000 start 4',
    ]);
  });

  it('say of a batch that it was not read unless all of its jobs were', async () => {
    // six places get free at once: more than the three that were read as those that are next
    const { rounds, log } = roundsOf(jobs(12), { perNode: 6, mostJobs: 6 });
    await rounds.run();
    expect(log).toEqual([
      '0 read 1 2 3 4 5 6',
      '0 start 1 2 3 4 5 6',
      '1000 read 1 2 3 4 5 6 7 8 9',
      '3000 read 1 2 3 4 5 6 7 8 9',
      '3000 start unread 7 8 9 10 11 12',
    ]);
  });

  it('believe nothing that could not be read: places are held, and whoever is asked was not read', async () => {
    const { rounds, log } = roundsOf(jobs(2), { readable: (moment) => moment === 7_000 });
    await rounds.run();
    expect(log).toEqual([
      '0 read 1',
      '0 start unread 1',
      '1000 read 1 2',
      '3000 read 1 2',
      '7000 read 1 2',
      '7000 start 2',
    ]);
  });
});

describe('rounds that end', () => {
  it('read nothing more once it is over', async () => {
    const { rounds, log, clock, moment, end } = roundsOf(jobs(2));
    clock.at(now + 500, end);
    await rounds.run();
    expect(log).toEqual(['0 read 1', '0 start 1']);
    expect(moment()).toBe(1_000);
  });

  it('wait no longer once it is over', async () => {
    const { rounds, log, moment, end } = roundsOf(jobs(2), { onStart: () => end() });
    await rounds.run();
    expect(log).toEqual(['0 read 1', '0 start 1']);
    expect(moment()).toBe(0);
  });

  it('do not wait for the next round when the sweep ends', async () => {
    const { rounds, log, clock, moment, ending, end } = roundsOf(jobs(2));
    clock.at(now + 400, () => {
      end();
      ending.abort(new Error('the sweep ends'));
    });
    await rounds.run();
    expect(log).toEqual(['0 read 1', '0 start 1']);
    expect(moment()).toBe(400);
  });

  it('leave with those who wait for a place still waiting', async () => {
    const { rounds, places, end } = roundsOf(jobs(3), { onStart: () => end() });
    await rounds.run();
    expect(places.takeAll().map(({ jobId }) => jobId)).toEqual(['3', '2']);
  });
});

describe('jobs whose request was answered', () => {
  /** `1` is answered at once after it was asked; what is read of it, and when. */
  function answering(given: Given & { readonly answerAt?: number; readonly count?: number } = {}) {
    const entries = jobs(given.count ?? 2);
    const world = roundsOf(entries, given);
    const told: string[] = [];
    world.clock.at(now + (given.answerAt ?? 0), () => {
      void world.rounds.readAnswered(entries.slice(0, 1)).then((states) => {
        told.push(`${world.moment()} ${states ? states.get('1')?.state : 'unread'}`);
      });
    });
    return { ...world, told };
  }

  it('are read in the next round', async () => {
    const { rounds, log, told, clock } = answering({ answerAt: 500 });
    void rounds.run();
    await clock.sleep(2_000);
    expect(log).toEqual(['0 read 1', '0 start 1', '1000 read 1 1 2']);
    expect(told).toEqual(['1000 closing']);
  });

  it('are told when that round could not be read', async () => {
    const { rounds, told, clock } = answering({ answerAt: 500, readable: (moment) => moment === 0 });
    void rounds.run();
    await clock.sleep(2_000);
    expect(told).toEqual(['1000 unread']);
  });

  it('are told once, by one round', async () => {
    const { rounds, log, told } = answering({ answerAt: 500 });
    await rounds.run();
    expect(log).toEqual(['0 read 1', '0 start 1', '1000 read 1 1 2', '3000 read 1 2', '3000 start 2']);
    expect(told).toEqual(['1000 closing']);
  });

  it('are not told what was read from before their answer: they are read in the round after', async () => {
    const { rounds, log, told, clock } = answering({ answerAt: 1_400, readMs: 300 });
    void rounds.run();
    await clock.sleep(5_000);
    expect(log.slice(0, 4)).toEqual(['0 read 1', '300 start 1', '1300 read 1 2', '3600 read 1 1 2']);
    expect(told).toEqual(['3900 closed']);
  });

  it('are read at once when nobody waits for a place', async () => {
    const { rounds, log, told, clock } = answering({ answerAt: 500, count: 1 });
    await rounds.run();
    await clock.sleep(2_000);
    expect(log).toEqual(['0 read 1', '0 start 1', '500 read 1']);
    expect(told).toEqual(['500 closing']);
  });

  it('are read at once when it is over, though somebody waits', async () => {
    const { rounds, log, told, clock, end } = answering({ answerAt: 500 });
    clock.at(now + 400, end);
    void rounds.run();
    await clock.sleep(700);
    expect(log).toEqual(['0 read 1', '0 start 1', '500 read 1']);
    expect(told).toEqual(['500 closing']);
  });

  it('are read at the last when the rounds are over before their turn', async () => {
    const { rounds, log, told, clock, end } = answering({ answerAt: 500 });
    clock.at(now + 600, end);
    await rounds.run();
    await clock.sleep(1);
    expect(log).toEqual(['0 read 1', '0 start 1', '1000 read 1']);
    expect(told).toEqual(['1000 closing']);
  });

  it('are read at the last, all of them together', async () => {
    const entries = jobs(3);
    const told: string[] = [];
    const { rounds, log, clock, end } = roundsOf(entries, { perNode: 2 });
    for (const [index, entry] of entries.slice(0, 2).entries()) {
      clock.at(now + 500, () => {
        void rounds.readAnswered([entry]).then((states) => told.push(`${index} ${states?.size}`));
      });
    }
    clock.at(now + 600, end);
    await rounds.run();
    await clock.sleep(1);
    expect(log).toEqual(['0 read 1 2', '0 start 1 2', '1000 read 1 2']);
    expect(told).toEqual(['0 2', '1 2']);
  });

  it('are read at the last when the last places were given out while they were answered', async () => {
    const { rounds, log, told, clock } = answering({
      answerAt: 1_400,
      readMs: 300,
      stateAfter: () => 'closed',
      readable: (moment) => moment < 1_700,
    });
    await rounds.run();
    await clock.sleep(1);
    expect(log).toEqual(['0 read 1', '300 start 1', '1300 read 1 2', '1600 start 2', '1600 read 1']);
    expect(told).toEqual(['1900 unread']);
  });
});
