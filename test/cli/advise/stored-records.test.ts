import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../../simulator/index.ts';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import { createHandler } from '../../../src/function/handler.ts';
import type { Advice } from '../../../src/sweep/advising/advise.ts';
import { newFolder } from '../../support/folder.ts';
import { lambdaContext, linesOf } from '../../support/lambda.ts';
import { runOn } from '../../support/run-on.ts';
import { documentsIn } from '../../support/streams.ts';
import { busy, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

const day = 86_400_000;
const on = { JOBSWEEP_REPORTS_NAMESPACE: 'default' };

/** Refuses access to notifications and model snapshots, so that the past is known only from stored records. */
const onlyRecords: Fleet = {
  faults: [
    { api: 'search', path: '/.ml-notifications*', times: 'always', status: 403 },
    { api: 'ml.get_model_snapshots', times: 'always', status: 403 },
  ],
};

/** One invocation of the function, as a schedule would make it. */
async function sweepOfFunction(
  setup: SweepSetup,
  event: object = { dryRun: true },
  environment: object = on,
) {
  const handler = createHandler({
    environment: { ELASTICSEARCH_URL: setup.server.url, ...environment },
    clock: setup.clock,
  });
  await linesOf(async () =>
    handler(event, lambdaContext(setup.clock, 900_000, `request-${setup.clock.now()}`), {} as never),
  );
}

/**
 * Simulates ten days: idle-1 gets data every third day, busy-0 gets data every day, and a user closes idle-2 on the
 * sixth day. Calls `eachDay` before the first day and after each day.
 */
async function live(setup: SweepSetup, eachDay: () => Promise<unknown>): Promise<void> {
  await eachDay();
  for (let round = 0; round < 10; round += 1) {
    await setup.clock.advance(day);
    if (round % 3 === 2) setup.cluster.receiveData('idle-1');
    setup.cluster.receiveData('busy-0');
    if (round === 5) setup.cluster.closeJob('idle-2');
    await eachDay();
  }
}

const adviceOf = async (
  setup: SweepSetup,
  env: Record<string, string>,
  ...args: string[]
): Promise<Advice> => {
  const { stdout, exit } = await runOn(setup, ['advise', '--days', '9', '--idle-for', '25h,50h', ...args], {
    env,
  });
  expect(exit).toBe(0);
  return JSON.parse(stdout) as Advice;
};

describe('records in the data stream', () => {
  it('stored records from sweeps of the function lead to the same advice as records that the command keeps on disk', async () => {
    await using folder = await newFolder();
    await using setup = await startSetup([...idle(3), ...busy(3)], onlyRecords);
    const state = { XDG_STATE_HOME: folder.path };
    await live(setup, async () => {
      await sweepOfFunction(setup);
      await runOn(setup, ['plan'], { env: state });
    });
    const kept = await adviceOf(setup, state);
    const stored = await adviceOf(setup, on);
    expect(kept.sources).toEqual(['stats', 'records']);
    expect({ ...stored, missing: [] }).toEqual({ ...kept, missing: [] });
    expect(stored.jobs.judged).toBe(6);
    const [first] = stored.thresholds;
    // idle-1 would have been closed wrongly three times.
    expect(first?.wrongCloses.atLeast).toBeGreaterThan(0);
    expect(setup.clock.now() - Date.parse(stored.knownFrom['idle-1'] ?? '')).toBeGreaterThan(8.9 * day);
    // Records from both the data stream and the state directory give the same result as records from one of them.
    expect({ ...(await adviceOf(setup, { ...on, ...state })), missing: [] }).toEqual({
      ...kept,
      missing: [],
    });
  });

  it('stored records of a sweep show the state of the jobs before its closes', async () => {
    await using setup = await startSetup([...idle(3), ...busy(6)], onlyRecords);
    await sweepOfFunction(setup);
    await setup.clock.advance(day);
    await sweepOfFunction(setup, {});
    expect(setup.state('idle-0')).toBe('closed');
    await setup.clock.advance(day);
    await sweepOfFunction(setup, {});
    const { jobs, sources } = await adviceOf(setup, on, '--days', '2');
    expect(sources).toContain('records');
    expect(jobs.judged).toBe(9);
  });

  it('if the key cannot read the cluster’s uuid, `advise` finds stored records by the cluster’s address', async () => {
    await using setup = await startSetup([...idle(1), ...busy(3)], onlyRecords);
    setup.server.faults.add({ api: 'info', path: '/', status: 403, times: 1 });
    await sweepOfFunction(setup);
    await setup.clock.advance(day);
    const { sources, cluster } = await adviceOf(setup, on, '--days', '1');
    expect(documentsIn(setup, 'sweep')[0]?.source.jobsweep.cluster.id).not.toBe(cluster.id);
    expect(sources).toContain('records');
  });

  it('if stored records were deleted with an old backing index, `advise` does not mistake open jobs for closed jobs', async () => {
    await using setup = await startSetup([...idle(2), ...busy(3)], onlyRecords);
    await sweepOfFunction(setup);
    await setup.clock.advance(day);
    await fetch(`${setup.server.url}/logs-jobsweep.job-default/_rollover`, { method: 'POST' });
    await sweepOfFunction(setup);
    await setup.clock.advance(day);
    const before = await adviceOf(setup, on, '--days', '2');
    const [oldest] = setup.cluster.cluster.streams.get('logs-jobsweep.job-default')?.backing ?? [];
    await fetch(`${setup.server.url}/${oldest?.name}`, { method: 'DELETE' });
    const after = await adviceOf(setup, on, '--days', '2');
    expect(documentsIn(setup, 'sweep')).toHaveLength(2);
    // idle-0 was open all the time, so the numbers of closes stay the same without the deleted documents.
    expect(after.thresholds.map(({ closes }) => closes)).toEqual(
      before.thresholds.map(({ closes }) => closes),
    );
    expect(after.comesBack).toEqual([]);
  });

  it('stored records from another cluster are not read', async () => {
    await using setup = await startSetup([...idle(1), ...busy(3)], onlyRecords);
    await using other = await startSetup([...idle(1), ...busy(3)], onlyRecords, {
      clock: setup.clock,
      seed: 2,
    });
    await sweepOfFunction(other, { dryRun: true }, { JOBSWEEP_REPORTS_URL: setup.server.url });
    const { sources, missing } = await adviceOf(setup, on);
    expect(sources).not.toContain('records');
    expect(missing.find(({ source }) => source === 'records')?.why).toContain(
      'logs-jobsweep.sweep-default has no sweep of this cluster in the period',
    );
  });

  it('stored records are read page by page, no record twice, and only for sweeps in the period of the advice', async () => {
    await using setup = await startSetup(
      Array.from({ length: 1_700 }, (_, index) => ({
        jobId: `job-${index}`,
        lastData: `${50 + (index % 400)}h`,
      })),
      onlyRecords,
    );
    await sweepOfFunction(setup);
    await setup.clock.advance(60 * day);
    for (let round = 0; round < 3; round += 1) {
      await sweepOfFunction(setup);
      await setup.clock.advance(day);
    }
    const { sources, jobs } = await adviceOf(setup, on, '--days', '2');
    expect(sources).toContain('records');
    expect(jobs.judged).toBe(1_700);
    const searches = setup.server.requests.filter(
      ({ path }) => path === '/logs-jobsweep.job-default/_search',
    );
    // 5,100 documents in pages of 5,000.
    expect(searches).toHaveLength(2);
    expect(searches.every(({ body }) => !body.includes(`request-${setup.clock.now() - 63 * day}`))).toBe(
      true,
    );
  });

  it.each([
    ['search', 403, 'security_exception', 'needs read on logs-jobsweep.*-*'],
    ['search', 503, 'search_phase_execution_exception', 'the exact last data of each job'],
  ])(
    'stored records are reported as missing if the API `%s` answers with status %i',
    async (api, status, type, adds) => {
      await using folder = await newFolder();
      await using setup = await startSetup([...idle(1), ...busy(3)], onlyRecords);
      await runOn(setup, ['plan'], { env: { XDG_STATE_HOME: folder.path } });
      await setup.clock.advance(day);
      setup.server.faults.add({
        api,
        path: '/logs-*',
        status,
        type,
        reason: 'no',
        times: Number.POSITIVE_INFINITY,
      });
      const { sources, missing } = await adviceOf(setup, { ...on, XDG_STATE_HOME: folder.path });
      // The records in the state directory are still read.
      expect(sources).toContain('records');
      const records = missing.find(({ source }) => source === 'records');
      expect(records?.why).toBe(`logs-jobsweep.sweep-default: ${status} ${type}: no`);
      expect(records?.adds).toContain(adds);
    },
  );

  it('stored records are reported as missing if no sweep has written any', async () => {
    await using setup = await startSetup([...idle(1), ...busy(3)], onlyRecords);
    const { missing } = await adviceOf(setup, on);
    expect(missing.find(({ source }) => source === 'records')?.why).toContain(
      'logs-jobsweep.sweep-default: no sweep or plan has stored a report yet',
    );
  });

  it('`explain --history` finds in the stored reports which sweep of the function closed a job', async () => {
    await using setup = await startSetup([...idle(2), ...busy(4)]);
    await sweepOfFunction(setup, {});
    expect(setup.state('idle-0')).toBe('closed');
    const explained = async (...args: string[]) =>
      (await runOn(setup, ['explain', 'idle-0', '-o', 'table', ...args], { env: on })).stdout;
    expect(await explained('--history')).toMatch(
      /^closed by jobsweep at 2026-11-23 12:\S+ UTC \(sweep request-\d+\), because idle: no activity for at least idleFor; it had been idle for 4 d 4 h$/m,
    );
    expect(await explained()).toContain(
      'where reports are stored in Elasticsearch, --history alone reads them',
    );
    const searches = setup.server.requests.filter(
      ({ path }) => path === '/logs-jobsweep.job-default/_search',
    );
    expect(searches.length).toBeGreaterThan(0);
    for (const { body } of searches) expect(body).toContain('{"term":{"jobsweep.job.id":"idle-0"}}');
  });

  it('if a report is both in Elasticsearch and on disk, `explain --history` lists its sweep once; it says that the latest sweep closed the job', async () => {
    await using setup = await startSetup([...idle(1), ...busy(4)]);
    await using folder = await newFolder();
    const env = { ...on, XDG_STATE_HOME: folder.path };
    await sweepOfFunction(setup, {});
    setup.cluster.openJob('idle-0');
    await setup.clock.advance(3 * day);
    for (const { jobId } of busy(4)) setup.cluster.receiveData(jobId);
    expect((await runOn(setup, ['sweep', '--yes'], { env })).exit).toBe(0);
    const { stdout } = await runOn(setup, ['explain', 'idle-0', '--history', '-o', 'json'], { env });
    const { past, closed } = JSON.parse(stdout) as Explanation;
    expect(past.map(({ outcome }) => outcome)).toEqual(['closed', 'closed']);
    expect(closed?.by?.sweepId).toBe(past[1]?.sweepId);
  });

  it('if the data stream cannot be searched, `explain --history` exits with 0 and says that it did not read the records', async () => {
    await using setup = await startSetup([...idle(1), ...busy(4)], {
      faults: [{ api: 'search', path: '/logs-jobsweep.*', times: 'always', status: 403 }],
    });
    await sweepOfFunction(setup, {});
    const { exit, stdout } = await runOn(setup, ['explain', 'idle-0', '--history', '-o', 'table'], {
      env: on,
    });
    expect(exit).toBe(0);
    expect(stdout).toContain('by a person, another program or a sweep whose report was not read');
    expect(stdout).toMatch(/not read: records \(logs-jobsweep/);
  });

  it('stored records appear in `explain --history`', async () => {
    await using setup = await startSetup([...idle(3), ...busy(3)], onlyRecords);
    await live(setup, () => sweepOfFunction(setup));
    const { stdout } = await runOn(setup, ['explain', 'idle-1', '--history', '-o', 'json'], { env: on });
    const { timeline } = JSON.parse(stdout) as Explanation;
    expect(timeline?.sources).toContain('records');
    expect(timeline?.events.filter(({ source }) => source === 'records').length).toBeGreaterThan(1);
    const bodies = setup.server.requests
      .filter(({ path }) => path === '/logs-jobsweep.job-default/_search')
      .map(({ body }) => body);
    expect(bodies.every((body) => body.includes('{"term":{"jobsweep.job.id":"idle-1"}}'))).toBe(true);
  });
});
