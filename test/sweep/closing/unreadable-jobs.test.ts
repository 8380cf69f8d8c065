import { describe, expect, it } from 'vitest';
import { UnreadableEntriesError } from '../../../src/base/errors.ts';
import { bare, closing, closingOf, fed } from '../../support/closing.ts';
import type { Read } from '../../support/scripted-cluster.ts';

/**
 * Makes a read of `kind` fail if it names one of these ids, as if the cluster gave an invalid answer about them.
 */
const unreadable =
  (kind: Read['kind'], ...broken: readonly string[]) =>
  ({ kind: read, ids }: Pick<Read, 'kind' | 'ids'>) => {
    const found = ids.filter((id) => read === kind && broken.includes(id));
    if (found.length === 0) return;
    throw new UnreadableEntriesError(new Map(found.map((id) => [id, new Error(`${id} makes no sense`)])));
  };
const errorOf = (id: string) => ({
  outcome: 'error',
  error: {
    status: 0,
    type: 'unreadable',
    reason: `the job could not be read right before its close request: ${id} makes no sense`,
  },
});

describe('the check before a close', () => {
  it('if the configs of some jobs cannot be read right before a close, these jobs are reported as errors and the other jobs are closed', async () => {
    const setup = closingOf({
      jobs: ['a', 'odd-1', 'odd-2', 'z'].map((id) => bare(id)),
      onRead: unreadable('configs', 'odd-1', 'odd-2'),
    });
    expect(await setup.run()).toBe(1_000);
    expect(setup.cluster.log.filter((line) => !line.includes('odd'))).toEqual([
      '0 configs a z',
      '0 stats a z',
      '0 close a z',
      '1000 stats a z',
    ]);
    expect(setup.outcomes()).toMatchObject({ a: 'closed 1000', z: 'closed 1000' });
    expect(setup.entry('odd-1').outcome).toEqual(errorOf('odd-1'));
    expect(setup.entry('odd-2').outcome).toEqual(errorOf('odd-2'));
  });

  it('if a datafeed cannot be read right before a close, its job is reported as an error, and the other jobs are closed', async () => {
    const setup = closingOf({
      jobs: [fed('a'), fed('odd')],
      request: { runningDatafeeds: 'stop' },
      onRead: unreadable('feeds', 'feed-odd'),
    });
    await setup.run();
    expect(setup.cluster.closes.map(({ ids }) => ids)).toEqual([['a']]);
    expect(setup.outcomes().a).toBe('closed 1000');
    expect(setup.entry('odd').outcome).toEqual(errorOf('feed-odd'));
  });

  it('if the read before a close has an unreadable entry that belongs to none of the jobs, every job is reported as an error', async () => {
    const setup = closingOf({
      jobs: [bare('a'), fed('b')],
      request: { runningDatafeeds: 'stop', close: { perNode: 1 } },
      onRead: ({ kind }) => {
        if (kind === 'configs')
          throw new UnreadableEntriesError(new Map([['other', new Error('other makes no sense')]]));
      },
    });
    await setup.run();
    expect(setup.cluster.closes).toEqual([]);
    expect(setup.entry('a').outcome).toEqual(errorOf('other'));
    expect(setup.entry('b').outcome).toEqual(errorOf('other'));
  });
});

describe('a poll that fails', () => {
  it('if a poll fails because of one job, the other jobs are read again at once', async () => {
    const setup = closingOf({
      jobs: [closing('a'), closing('odd')],
      request: { close: { timeout: '3s' } },
      onRead: unreadable('stats', 'odd'),
    });
    setup.at(500, () => setup.cluster.becomes('a', 'closed'));
    expect(await setup.run()).toBe(3_000);
    expect(setup.cluster.log).toEqual([
      '1000 stats a odd',
      '1000 stats a',
      '2500 stats odd',
      '3000 stats odd',
    ]);
    expect(setup.outcomes()).toEqual({ a: 'already_closed 1000', odd: 'none' });
  });

  it('a job whose stats cannot be read after its close request is not reported as deleted', async () => {
    let broken = true;
    const setup = closingOf({
      jobs: [bare('a'), bare('odd')],
      onRead: (read) => {
        if (broken && read.kind === 'stats' && read.nth > 1) unreadable('stats', 'odd')(read);
      },
    });
    setup.at(1_500, () => {
      broken = false;
    });
    await setup.run();
    expect(setup.cluster.log.slice(3)).toEqual(['1000 stats a odd', '1000 stats a', '2000 stats odd']);
    expect(setup.outcomes()).toEqual({ a: 'closed 1000', odd: 'closed 2000' });
  });

  it('if every poll fails, a closing job gets no outcome before the last reading, even if its id could match other jobs', async () => {
    const setup = closingOf({
      jobs: [closing('a', { target: undefined }), closing('b')],
      request: { close: { timeout: '2s' } },
      onRead: () => {
        throw new Error('no');
      },
    });
    expect(await setup.run()).toBe(2_000);
    expect(setup.outcomes()).toEqual({ a: 'none', b: 'none' });
  });
});
