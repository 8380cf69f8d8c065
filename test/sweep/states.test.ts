import { describe, expect, it } from 'vitest';
import type { JobId } from '../../src/sweep/job-id.ts';
import type { JobStats } from '../../src/sweep/ports.ts';
import { StateReader, type States } from '../../src/sweep/states.ts';

const id = (name: string) => name as JobId;
const seen = (states: States) => Object.fromEntries([...states].map(([jobId, { state }]) => [jobId, state]));

/** A cluster whose answers are given by hand, in the order of the requests. */
function heldCluster() {
  const asked: string[][] = [];
  const held: PromiseWithResolvers<readonly JobStats[]>[] = [];
  const reader = new StateReader(
    {
      jobStats: (_signal, ids = []) => {
        asked.push([...ids]);
        const answer = Promise.withResolvers<readonly JobStats[]>();
        held.push(answer);
        return answer.promise;
      },
    },
    new AbortController().signal,
  );
  const next = () => {
    const answer = held.shift();
    if (!answer) throw new Error('nothing was asked');
    return answer;
  };
  return {
    asked,
    reader,
    /** The longest unanswered request learns that all of `jobs` are in `state`. */
    answer: (state: string, ...jobs: string[]) =>
      next().resolve(jobs.map((jobId) => ({ jobId, state, runningForecasts: 0 }))),
    fail: (reason: string) => next().reject(new Error(reason)),
    /** Lets what is due begin. */
    turn: () => new Promise(setImmediate),
  };
}

describe('the states of jobs', () => {
  it('are asked for in one request, each job once, for all who ask at the same time', async () => {
    const { reader, asked, answer, turn } = heldCluster();
    const first = reader.read([id('a'), id('b')]);
    const second = reader.read([id('b'), id('c')]);
    await turn();
    expect(asked).toEqual([['a', 'b', 'c']]);
    answer('closing', 'a', 'c');
    expect(seen(await first)).toEqual({ a: 'closing', c: 'closing' });
    expect(await second).toBe(await first);
  });

  it('are read anew for who asks while a read is on its way, as that may be older than what they did', async () => {
    const { reader, asked, answer, turn } = heldCluster();
    const first = reader.read([id('a')]);
    await turn();
    const second = reader.read([id('a')]);
    const third = reader.read([id('b')]);
    await turn();
    expect(asked).toEqual([['a']]);
    answer('closing', 'a');
    expect(seen(await first)).toEqual({ a: 'closing' });
    await turn();
    expect(asked).toEqual([['a'], ['a', 'b']]);
    answer('closed', 'a', 'b');
    expect(seen(await second)).toEqual({ a: 'closed', b: 'closed' });
    expect(await third).toBe(await second);
  });

  it('are told as the newest read saw them, to who has older ones; what is gone is left out', async () => {
    const { reader, answer, turn } = heldCluster();
    const older = ['a', 'b', 'c'].map((jobId) => ({ jobId, state: 'opened', runningForecasts: 0 }));
    const newest = (since: number) =>
      reader.newest(older, since).map(({ jobId, state }) => `${jobId} ${state}`);
    expect(reader.begun).toBe(0);
    const first = reader.read([id('a'), id('b')]);
    await turn();
    expect(reader.begun).toBe(1);
    // under way it tells nothing
    expect(newest(0)).toEqual(['a opened', 'b opened', 'c opened']);
    answer('closing', 'a');
    await first;
    expect(newest(0)).toEqual(['a closing', 'c opened']);
    // who had theirs after that read began has the newer ones
    expect(newest(1)).toEqual(['a opened', 'b opened', 'c opened']);
    const second = reader.read([id('b')]);
    await turn();
    answer('closed', 'b');
    await second;
    expect(newest(1)).toEqual(['a opened', 'b closed', 'c opened']);
  });

  it('that could not be read fail for those who asked, and are read again for the next', async () => {
    const { reader, answer, fail, turn } = heldCluster();
    const both = Promise.allSettled([reader.read([id('a')]), reader.read([id('b')])]);
    await turn();
    const next = reader.read([id('a')]);
    fail('no answer');
    expect(await both).toMatchObject([
      { status: 'rejected', reason: { message: 'no answer' } },
      { status: 'rejected', reason: { message: 'no answer' } },
    ]);
    await turn();
    answer('opened', 'a');
    expect(seen(await next)).toEqual({ a: 'opened' });
  });
});
