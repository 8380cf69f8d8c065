import { describe, expect, it } from 'vitest';
import type { JobId } from '../../src/sweep/job-id.ts';
import type { JobStats } from '../../src/sweep/ports.ts';
import { StateReader, type States } from '../../src/sweep/states.ts';

const id = (name: string) => name as JobId;
const seen = (states: States) => Object.fromEntries([...states].map(([jobId, { state }]) => [jobId, state]));

const statsOf = (state: string, jobs: readonly string[]): JobStats[] =>
  jobs.map((jobId) => ({ jobId, state, runningForecasts: 0 }));

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
    answer: (state: string, ...jobs: string[]) => next().resolve(statsOf(state, jobs)),
    /** Takes the longest unanswered request, to be answered at will. */
    hold: () => {
      const answer = next();
      return (state: string, ...jobs: string[]) => answer.resolve(statsOf(state, jobs));
    },
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

  it('are known as the newest read told them, whoever asked', async () => {
    const { reader, answer, turn } = heldCluster();
    const known = () =>
      ['a', 'b'].map((jobId) => (reader.isGone(jobId) ? 'gone' : reader.last(jobId)?.state));
    expect(known()).toEqual([undefined, undefined]);
    const first = reader.read([id('a'), id('b')]);
    await turn();
    expect(known()).toEqual([undefined, undefined]);
    answer('closing', 'a');
    await first;
    expect(known()).toEqual(['closing', 'gone']);
    const second = reader.readNow([id('b')], new AbortController().signal);
    answer('opened', 'b');
    expect(seen(await second)).toEqual({ b: 'opened' });
    expect(known()).toEqual(['closing', 'opened']);
  });

  it('that come late are no news where a later read has told', async () => {
    const { reader, hold, turn } = heldCluster();
    const { signal } = new AbortController();
    const early = reader.readNow([id('a'), id('b')], signal);
    const late = reader.readNow([id('a')], signal);
    await turn();
    const [answerEarly, answerLate] = [hold(), hold()];
    answerLate('closed', 'a');
    await late;
    answerEarly('opened', 'a', 'b');
    expect(seen(await early)).toEqual({ a: 'opened', b: 'opened' });
    expect(reader.last('a')?.state).toBe('closed');
    expect(reader.last('b')?.state).toBe('opened');
  });

  it('are what they were when a read of them fails', async () => {
    const { reader, answer, fail, turn } = heldCluster();
    const first = reader.read([id('a')]);
    await turn();
    answer('closing', 'a');
    await first;
    const second = reader.readNow([id('a')], new AbortController().signal);
    fail('no answer');
    await expect(second).rejects.toThrow('no answer');
    expect(reader.last('a')?.state).toBe('closing');
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
