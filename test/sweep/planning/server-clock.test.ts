import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { ElasticsearchCluster } from '../../../src/elasticsearch/cluster.ts';
import { compareClocks } from '../../../src/sweep/planning/server-clock.ts';
import { parseRequest } from '../../../src/sweep/request/read-request.ts';
import type { RequestPayload } from '../../../src/sweep/request/request-schema.ts';
import { sweep } from '../../../src/sweep/sweep.ts';
import { runCommand } from '../../support/run-command.ts';
import { type Exchange, serve } from '../../support/scripted-server.ts';
import { busy, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

const minute = 60_000;
const hour = 60 * minute;

/** The setup's clock plus `ms` milliseconds. */
const wrongBy = (ms: number, { clock }: Pick<SweepSetup, 'clock'>): Clock => ({
  now: () => clock.now() + ms,
  sleep: (...given) => clock.sleep(...given),
  limit: (given) => clock.limit(given),
});

async function sweepWith(clock: Clock, setup: SweepSetup, payload: RequestPayload = {}) {
  await using cluster = new ElasticsearchCluster({ address: { url: setup.server.url } }, clock);
  return await sweep(
    { sweepId: 's', ...parseRequest(payload) },
    { cluster, clock, remainingMs: 15 * minute },
  );
}

describe('a machine whose clock is ahead of the cluster’s', () => {
  it.each([{}, { dryRun: true }])(
    'a sweep with the payload %j is refused if its machine’s clock is three days ahead of the cluster’s',
    async (payload) => {
      // if the clocks were not compared, all but one of these busy jobs would be closed
      await using setup = await startSetup([...busy(3), { jobId: 'other', lastData: '10h' }]);
      const swept = sweepWith(wrongBy(3 * 24 * hour, setup), setup, {
        ...payload,
        fuse: { maxShare: null, massIdle: false },
      });
      await expect(swept).rejects.toMatchObject({ name: 'WrongClockError', exitCode: 5 });
      await expect(swept).rejects.toThrow(
        /clock is 4319 minutes ahead of the Date .*; nothing was closed\. Set/,
      );
      expect(setup.closes()).toEqual([]);
    },
  );

  it('a sweep warns if its machine’s clock is six minutes ahead of the cluster’s', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    const { status, counts, warnings } = await sweepWith(wrongBy(6 * minute + 2_000, setup), setup);
    expect({ status, closed: counts.closed }).toEqual({ status: 'done', closed: 1 });
    expect(warnings).toEqual([expect.stringContaining('clock is 6 minutes ahead of the Date')]);
  });

  it('a sweep does not warn if its machine’s clock is four minutes ahead of the cluster’s', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    expect((await sweepWith(wrongBy(4 * minute, setup), setup)).warnings).toEqual([]);
  });

  it('`jobsweep sweep` and `jobsweep plan` exit with 5 if the machine’s clock is two hours ahead of the cluster’s', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    for (const args of [['plan'], ['sweep', '--yes']]) {
      const { exit, stdout, stderr } = await runCommand(args, {
        env: { ELASTICSEARCH_URL: setup.server.url },
        clock: wrongBy(2 * hour, setup),
      });
      expect([exit, stdout]).toEqual([5, '']);
      expect(stderr).toMatch(/^jobsweep: this machine's clock is 119 minutes ahead/m);
    }
    expect(setup.closes()).toEqual([]);
  });
});

describe('a machine whose clock is behind the cluster’s', () => {
  it('a sweep warns if its machine’s clock is behind the cluster’s, because the sweep then closes fewer jobs', async () => {
    await using setup = await startSetup([...busy(5), ...idle(1)]);
    const { status, warnings } = await sweepWith(wrongBy(-2 * hour, setup), setup);
    expect(status).toBe('done');
    expect(warnings.join()).toContain('clock is 120 minutes behind the Date');
  });
});

describe('the Date header of answers', () => {
  const readThrough = async (setup: SweepSetup, change: (exchange: Exchange, headers: Headers) => void) => {
    await using gateway = await serve(async (exchange) => {
      const { method, path, query, body, raw } = exchange;
      const answer = await fetch(`${setup.server.url}${path}?${query.toString()}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'POST' && { body }),
      });
      const headers = new Headers({
        'content-type': 'application/json',
        'x-elastic-product': 'Elasticsearch',
      });
      change(exchange, headers);
      raw(await answer.text(), answer.status, Object.fromEntries(headers));
    });
    await using cluster = new ElasticsearchCluster({ address: { url: gateway.url } }, setup.clock);
    const order = { sweepId: 's', ...parseRequest({ dryRun: true }) };
    return (await sweep(order, { cluster, clock: setup.clock, remainingMs: 15 * minute })).warnings;
  };
  const date = (ms: number) => new Date(ms).toUTCString();

  it('a missing Date header causes no warning', async () => {
    await using setup = await startSetup(busy(5));
    expect(await readThrough(setup, () => undefined)).toEqual([]);
  });

  it('the machine’s clock is compared with the Date header that is closest to it, because other answers may come from a cache', async () => {
    await using setup = await startSetup(busy(5));
    const { clock } = setup;
    const warnings = await readThrough(setup, ({ index }, headers) => {
      headers.set('date', date(index % 2 === 0 ? clock.now() - 5 * hour : clock.now()));
    });
    expect(warnings).toEqual([]);
  });

  it('the Date header of an answer is ignored if the answer has an Age header, because it then comes from a cache', async () => {
    await using setup = await startSetup(busy(5));
    const warnings = await readThrough(setup, (_exchange, headers) => {
      headers.set('date', date(setup.clock.now() - 5 * hour));
      headers.set('age', '18000');
    });
    expect(warnings).toEqual([]);
  });

  it('an unreadable Date header is ignored', async () => {
    await using setup = await startSetup(busy(5));
    expect(await readThrough(setup, (_exchange, headers) => headers.set('date', 'yesterday'))).toEqual([]);
  });

  it.each([
    [5 * minute + 999, 0],
    [5 * minute + 1_000, 1],
    [60 * minute + 999, 1],
  ])(
    'the number of warnings for a Date header that is %i ms earlier than the request: %i',
    (ahead, count) => {
      const now = Date.parse('2026-11-26T12:00:00Z');
      expect(
        compareClocks({ date: now, sentAt: now + ahead, receivedAt: now + ahead + 30_000 }),
      ).toHaveLength(count);
    },
  );

  it('the Date header causes no warning if its time is between the request and the answer', () => {
    const sentAt = Date.parse('2026-11-26T12:00:00Z');
    expect(compareClocks({ date: sentAt + 10 * minute, sentAt, receivedAt: sentAt + 20 * minute })).toEqual(
      [],
    );
    expect(
      compareClocks({ date: sentAt + 25 * minute, sentAt, receivedAt: sentAt + 20 * minute }),
    ).toHaveLength(1);
  });
});

describe('a cluster in which no job has recent data', () => {
  const started = { state: 'started' } as const;

  it('a cluster without recent data causes a warning if real-time datafeeds run', async () => {
    await using setup = await startSetup([
      { jobId: 'a', lastData: '5d', datafeed: started },
      { jobId: 'b', lastData: '6d', datafeed: started },
    ]);
    const { warnings } = await setup.sweep({ dryRun: true });
    expect(warnings).toEqual([
      "2 real-time datafeeds running, but no job of the cluster has had data in the last 2d: either ingest has stopped, or this machine's clock is ahead",
    ]);
  });

  it('there is no warning about missing recent data if any job has recent data, or if no datafeed runs', async () => {
    await using fed = await startSetup([{ jobId: 'a', lastData: '5d', datafeed: started }, ...busy(1)]);
    expect((await fed.sweep({ dryRun: true })).warnings).toEqual([]);
    await using still = await startSetup(idle(2));
    expect((await still.sweep({ dryRun: true })).warnings).toEqual([]);
  });
});
