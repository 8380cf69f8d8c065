/** docs/elasticsearch.md §2.2, §2.4 to §2.9: the effect of a close in each state of a job, its duration, and its failures. */
import { describe, expect, test } from 'vitest';
import { embedded, errorOf, startTarget, type Target } from '../../../support/elasticsearch.ts';

const close = (target: Target, ids: string, query = '') =>
  target.post(`/_ml/anomaly_detectors/${ids}/_close${query}`);

describe('the outcome of a close in each state of a job (elasticsearch.md §2.4)', () => {
  test('closing a closed job succeeds and changes nothing', async () => {
    await using target = await startTarget();
    await target.putJob('conformance-a');

    expect((await close(target, 'conformance-a')).body).toEqual({ closed: true });
    expect((await close(target, 'conformance-a', '?force=true')).body).toEqual({ closed: true });
  });

  embedded(
    'an opened job is closed when its process has ended, with a finish time and a snapshot',
    async () => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', closeTakes: '90s' }] });
      const before = target.clock.now();

      expect((await close(target, 'a')).body).toEqual({ closed: true });

      expect(target.clock.now() - before).toBeGreaterThanOrEqual(90_000);
      expect(target.cluster.job('a')).toMatchObject({ state: 'closed', closedCleanly: true });
      expect(target.cluster.job('a')?.finishedTime).toBeGreaterThanOrEqual(before + 90_000);
    },
  );

  embedded('an opening job without a node loses its task at once', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'opening', node: null }] });
    const before = target.clock.now();

    expect((await close(target, 'a')).body).toEqual({ closed: true });

    expect(target.clock.now()).toBe(before);
    expect(target.cluster.job('a')).toMatchObject({
      state: 'closed',
      closedCleanly: false,
      finishedTime: undefined,
    });
  });

  embedded('an opening job on a node is closed when its node notices the close', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'opening', openTakes: '5m' }] });
    const before = target.clock.now();

    expect((await close(target, 'a')).body).toEqual({ closed: true });

    expect(target.clock.now() - before).toBeLessThan(1_000);
    expect(target.state('a')).toBe('closed');
  });

  embedded('closing a closing job only waits for the close in progress', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', state: 'closing', lastData: '3d', closeTakes: '2m' }],
    });

    expect((await close(target, 'a')).body).toEqual({ closed: true });

    const closings = target.cluster.job('a')?.stateHistory.filter(({ state }) => state === 'closing');
    expect(closings).toHaveLength(1);
  });

  embedded('closing only a failed job is refused with 409, and the error names the job', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'failed' }] });

    expect(errorOf(await close(target, 'a'))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'cannot close job [a] because it failed, use force close',
    });
    expect(target.state('a')).toBe('failed');
  });

  embedded.each(['a,b', 'a,closed', '*'])(
    'a close with a failed job among others (%s) is refused with 409, the error names no job, and nothing is closed',
    async (ids) => {
      await using target = await startTarget({
        jobs: [{ jobId: 'a', state: 'failed' }, { jobId: 'b' }, { jobId: 'closed', state: 'closed' }],
      });

      const reply = await close(target, ids);

      const cause = {
        type: 'status_exception',
        reason: 'one or more jobs have state failed, use force close',
      };
      expect(reply.body).toEqual({ error: { root_cause: [cause], ...cause }, status: 409 });
      expect([target.state('a'), target.state('b')]).toEqual(['failed', 'opened']);
    },
  );

  embedded('a job that is being deleted is unknown by id and skipped by patterns', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', blocked: 'delete' }, { jobId: 'b' }] });

    expect((await close(target, 'a')).reason).toBe("No known job with id 'a'");
    expect((await close(target, '*')).body).toEqual({ closed: true });
    expect([target.state('a'), target.state('b')]).toEqual(['opened', 'closed']);
  });

  embedded('a forced close still removes the task of a job that is being deleted', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', blocked: 'delete' }] });

    expect((await close(target, 'a', '?force=true')).body).toEqual({ closed: true });
    expect(target.state('a')).toBe('closed');
  });

  embedded.each(['reset', 'revert'] as const)(
    'closing a job that is blocked by a %s succeeds, because the job is already closed',
    async (blocked) => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed', blocked }] });

      expect((await close(target, 'a')).body).toEqual({ closed: true });
    },
  );

  embedded('if a job’s node has just left the cluster, the job is closed on its next node', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', node: 'ml-0', lastData: '3d' }] });
    target.cluster.crashNode('ml-0');

    expect((await close(target, 'a')).body).toEqual({ closed: true });
    expect(target.cluster.job('a')).toMatchObject({ state: 'closed', closedCleanly: false });
  });

  embedded('a close in upgrade mode removes the task, and the job does not return afterwards', async () => {
    await using target = await startTarget({
      fleet: { upgradeMode: true },
      jobs: [{ jobId: 'a' }, { jobId: 'b' }],
    });

    expect((await close(target, 'a')).body).toEqual({ closed: true });
    await target.post('/_ml/set_upgrade_mode?enabled=false');
    await target.clock.advance(60_000);

    expect([target.state('a'), target.state('b')]).toEqual(['closed', 'opened']);
  });
});

describe('failures of a valid close request (elasticsearch.md §2.5)', () => {
  embedded(
    'if a job’s process cannot close, the close fails with 500, the job becomes failed, and other closes continue',
    async () => {
      await using target = await startTarget({
        jobs: [
          {
            jobId: 'a',
            lastData: '3d',
            closeTakes: { fails: 'Exception closing autodetect process', after: '5s' },
          },
          { jobId: 'b', lastData: '3d', closeTakes: '20s' },
        ],
      });

      expect(errorOf(await close(target, 'a,b'))).toEqual({
        status: 500,
        type: 'status_exception',
        reason: 'Exception closing autodetect process',
      });
      await target.clock.advance(1_000);
      expect([target.state('a'), target.state('b')]).toEqual(['failed', 'closed']);
    },
  );

  embedded('a close is answered with 409 if its process is killed', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', closeTakes: '10m' }] });
    target.clock.at(target.clock.now() + 60_000, () => target.cluster.forceCloseJob('a'));

    expect(errorOf(await close(target, 'a'))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'Close job interrupted by kill request',
    });
  });

  embedded.each([
    ['9.2', 502],
    ['8.19', 502],
    ['7.17', 500],
  ] as const)(
    'on %s, if a node drops out during the close, the answer is a %d that names the node',
    async (stack, status) => {
      await using target = await startTarget({
        stack,
        jobs: [{ jobId: 'a', node: 'ml-1', lastData: '3d', closeTakes: '10m' }],
      });
      const { body } = await target.get('/_ml/anomaly_detectors/a/_stats');
      target.clock.at(target.clock.now() + 60_000, () => target.cluster.crashNode('ml-1'));

      expect(errorOf(await close(target, 'a'))).toEqual({
        status,
        type: 'failed_node_exception',
        reason: `Failed node [${body.jobs[0].node.id}]`,
      });
    },
  );

  embedded('the next node completes the close of a lost node, without finish time and snapshot', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', node: 'ml-1', lastData: '3d', closeTakes: '10m' }],
    });
    target.clock.at(target.clock.now() + 60_000, () => target.cluster.crashNode('ml-1'));
    await close(target, 'a');

    await target.clock.advance(10_000);

    expect(target.cluster.job('a')).toMatchObject({
      state: 'closed',
      closedCleanly: false,
      finishedTime: undefined,
    });
  });

  embedded('a job that is deleted during the close counts as closed', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', state: 'closing', lastData: '3d', closeTakes: 'never' }],
    });
    target.clock.at(target.clock.now() + 5_000, () => target.cluster.removeJob('a'));

    expect((await close(target, 'a', '?timeout=1m')).body).toEqual({ closed: true });
  });

  embedded('a close without a master is answered with 503 at once, with a null reason', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a' }] });
    target.cluster.setMaster(false);

    const { status, body } = await close(target, 'a');

    expect(status).toBe(503);
    expect(body.error).toMatchObject({ type: 'master_not_discovered_exception', reason: null });
    expect(target.state('a')).toBe('opened');
  });

  embedded(
    'if the master leaves, a close request fails with a 5xx error, but the close continues',
    async () => {
      await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', closeTakes: '1m' }] });
      target.clock.at(target.clock.now() + 10_000, () => target.cluster.changeMaster());

      const reply = await close(target, 'a');
      await target.clock.advance(120_000);

      expect(reply.status).toBeGreaterThanOrEqual(500);
      expect(reply.type).toBe('node_closed_exception');
      expect(target.cluster.job('a')).toMatchObject({ state: 'closed', closedCleanly: true });
    },
  );
});

describe('a close stops the datafeed first (elasticsearch.md §2.6)', () => {
  const fed = {
    jobId: 'a',
    lastData: '1m',
    closeTakes: '5s',
    datafeed: { datafeedId: 'df-a', state: 'started' },
  } as const;

  embedded('a close stops the running datafeed', async () => {
    await using target = await startTarget({ jobs: [fed] });

    expect((await close(target, 'a')).body).toEqual({ closed: true });
    expect(target.cluster.job('a')?.datafeed?.state).toBe('stopped');
  });

  embedded('the datafeed stays stopped if the close fails later', async () => {
    await using target = await startTarget({ jobs: [{ ...fed, closeTakes: { fails: 'disk full' } }] });

    expect((await close(target, 'a')).status).toBe(500);
    expect(target.cluster.job('a')).toMatchObject({ state: 'failed', datafeed: { state: 'stopped' } });
  });

  embedded('if a datafeed cannot be stopped, the close fails with 409, and no job is closed', async () => {
    await using target = await startTarget({
      jobs: [
        { ...fed, datafeed: { ...fed.datafeed, stopTakes: { fails: 'index is read-only' } } },
        { ...fed, jobId: 'b', datafeed: { datafeedId: 'df-b', state: 'started' } },
      ],
    });

    expect(errorOf(await close(target, 'a,b'))).toEqual({
      status: 409,
      type: 'status_exception',
      reason:
        'failed to close jobs as one or more had started datafeeds that could not be stopped: started datafeeds [df-a,df-b], error stopping them [index is read-only]',
    });
    expect([target.state('a'), target.state('b')]).toEqual(['opened', 'opened']);
  });

  embedded('the timeout of the close limits how long it waits for a running search', async () => {
    await using target = await startTarget({
      jobs: [{ ...fed, datafeed: { ...fed.datafeed, stopTakes: 'never' } }],
    });
    const before = target.clock.now();

    expect((await close(target, 'a', '?timeout=2m')).body).toEqual({ closed: true });

    expect(target.clock.now() - before).toBeGreaterThanOrEqual(120_000 + 5_000);
  });

  embedded('a close does not touch the datafeed of a closing job', async () => {
    await using target = await startTarget({
      jobs: [{ ...fed, state: 'closing' }],
    });

    await close(target, 'a');

    expect(target.cluster.job('a')?.datafeed?.state).toBe('started');
  });
});

describe('the duration of a close (elasticsearch.md §2.7)', () => {
  embedded('the timeout does not limit how long processes take to close', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', closeTakes: '10m' }] });
    const before = target.clock.now();

    expect((await close(target, 'a', '?timeout=1m')).body).toEqual({ closed: true });
    expect(target.clock.now() - before).toBeGreaterThanOrEqual(600_000);
  });

  embedded('a close request for a closing job times out with 500, and the close continues', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', state: 'closing', lastData: '3d', closeTakes: '10m' }],
    });
    const before = target.clock.now();

    const reply = await close(target, 'a', '?timeout=60s');

    const cause = {
      type: 'illegal_state_exception',
      reason: 'Timed out when waiting for persistent tasks after 1m',
    };
    expect(reply.body).toEqual({ error: { root_cause: [cause], ...cause }, status: 500 });
    expect(target.clock.now() - before).toBe(60_000);
    await target.clock.advance(600_000);
    expect(target.cluster.job('a')).toMatchObject({ state: 'closed', closedCleanly: true });
  });

  embedded.each(['0', '-1'])('timeout=%s ends the last wait of a close at once', async (timeout) => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', state: 'closing', lastData: '3d', closeTakes: '10m' }],
    });

    expect((await close(target, 'a', `?timeout=${timeout}`)).type).toBe('illegal_state_exception');
    expect((await close(target, 'a', '?timeout=90s')).reason).toContain('after 1.5m');
  });

  embedded('jobs close at the same time, so a batch takes as long as its slowest job', async () => {
    await using target = await startTarget({
      jobs: ['a', 'b', 'c'].map((jobId, index) => ({
        jobId,
        lastData: '3d',
        node: `ml-${index}`,
        closeTakes: `${(index + 1) * 10}s`,
      })),
    });
    const before = target.clock.now();

    await close(target, '*');

    expect(target.clock.now() - before).toBeGreaterThanOrEqual(30_000);
    expect(target.clock.now() - before).toBeLessThan(31_000);
  });

  embedded('concurrent closes on one node share its capacity', async () => {
    await using target = await startTarget({
      fleet: { nodes: [{ name: 'ml-0', closeCapacity: 2 }] },
      jobs: ['a', 'b', 'c', 'd'].map((jobId) => ({ jobId, lastData: '3d', closeTakes: '10s' })),
    });
    const before = target.clock.now();

    await close(target, '*');

    expect(target.clock.now() - before).toBeGreaterThanOrEqual(20_000);
    expect(target.clock.now() - before).toBeLessThan(21_000);
  });

  embedded('a close continues after its client disconnects', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', closeTakes: '4m' }] });
    const gone = new AbortController();
    target.clock.at(target.clock.now() + 10_000, () => gone.abort());

    await expect(
      target.post('/_ml/anomaly_detectors/a/_close', undefined, { signal: gone.signal }),
    ).rejects.toThrow('aborted');
    expect(target.state('a')).toBe('closing');
    await target.clock.advance(300_000);

    expect(target.cluster.job('a')).toMatchObject({ state: 'closed', closedCleanly: true });
  });
});

describe('a forced close (elasticsearch.md §2.8)', () => {
  embedded.each(['opened', 'closing', 'failed', 'opening'] as const)(
    'a forced close closes a job that is %s at once',
    async (state) => {
      await using target = await startTarget({
        jobs: [{ jobId: 'a', state, lastData: '3d', closeTakes: 'never' }],
      });
      const before = target.clock.now();

      expect((await close(target, 'a', '?force=true')).body).toEqual({ closed: true });

      expect(target.clock.now()).toBe(before);
      expect(target.cluster.job('a')).toMatchObject({ state: 'closed', forced: true, closedCleanly: false });
    },
  );

  embedded('a forced close of a job with a process writes finished_time but no snapshot', async () => {
    await using target = await startTarget({
      jobs: [
        { jobId: 'a', lastData: '3d' },
        { jobId: 'b', state: 'failed', lastData: '3d' },
      ],
    });

    await close(target, 'a,b', '?force=true');

    const { body } = await target.get('/_ml/anomaly_detectors/a,b');
    expect(body.jobs[0].finished_time).toBe(target.clock.now());
    expect(body.jobs[0]).not.toHaveProperty('model_snapshot_id');
    expect(body.jobs[1]).not.toHaveProperty('finished_time');
  });

  embedded(
    'if a job’s datafeed has an end, a forced close of the job does not also begin a graceful close',
    async () => {
      await using target = await startTarget({
        jobs: [
          {
            jobId: 'a',
            lastData: '1m',
            datafeed: { state: 'started', source: { every: '1m' }, lookback: { from: '90d', end: '10d' } },
          },
        ],
      });

      await close(target, 'a', '?force=true');

      expect(target.cluster.job('a')).toMatchObject({ forced: true, datafeed: { state: 'stopped' } });
      expect(target.cluster.job('a')?.stateHistory.map(({ state }) => state)).not.toContain('closing');
    },
  );
});

describe('a close that races with other requests (elasticsearch.md §2.9)', () => {
  embedded('two concurrent closes of the same job both wait and both succeed', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', lastData: '3d', closeTakes: '2m' }] });

    const replies = await Promise.all([close(target, 'a'), close(target, 'a')]);

    expect(replies.map(({ body }) => body)).toEqual([{ closed: true }, { closed: true }]);
    expect(target.cluster.job('a')?.stateHistory.filter(({ state }) => state === 'closing')).toHaveLength(1);
  });

  embedded('a close during the opening makes the open request fail with 409', async () => {
    await using target = await startTarget({ jobs: [{ jobId: 'a', state: 'closed', openTakes: '5m' }] });
    target.clock.at(target.clock.now() + 10_000, () => target.cluster.closeJob('a'));

    expect(errorOf(await target.post('/_ml/anomaly_detectors/a/_open'))).toEqual({
      status: 409,
      type: 'status_exception',
      reason: 'The job has been closed while waiting to be opened',
    });
  });

  embedded('data posted to a closing job is refused', async () => {
    await using target = await startTarget({
      jobs: [{ jobId: 'a', state: 'closing', lastData: '3d', closeTakes: '5m' }],
    });

    expect(errorOf(await target.post('/_ml/anomaly_detectors/a/_data', '{"time":1}'))).toMatchObject({
      status: 409,
      reason: 'Cannot process data because job [a] does not have a corresponding autodetect process',
    });
  });
});
