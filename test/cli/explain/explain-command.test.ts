import { describe, expect, it } from 'vitest';
import type { FleetJob } from '../../../simulator/elasticsearch/index.ts';
import type { Explanation } from '../../../src/cli/explain/explanation.ts';
import { keepReasons } from '../../../src/sweep/vocabulary.ts';
import { newFolder } from '../../support/folder.ts';
import { answersFor, configOf, respondWith, statsOf } from '../../support/ml-answers.ts';
import { runCommand } from '../../support/run-command.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { serve } from '../../support/scripted-server.ts';
import { busy, idle, jobOf, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

const hour = 3_600_000;

async function explained(setup: SweepSetup, jobId: string, payload: object = {}): Promise<Explanation> {
  const result = await runOn(setup, ['explain', jobId, '-p', '-'], { stdin: JSON.stringify(payload) });
  expect(result.exit).toBe(0);
  return JSON.parse(result.stdout) as Explanation;
}

async function text(setup: SweepSetup, jobId: string, ...args: string[]): Promise<string> {
  const result = await runOn(setup, ['explain', jobId, '-o', 'table', ...args]);
  expect(result.exit).toBe(0);
  return result.stdout;
}

describe('`jobsweep explain`', () => {
  it.each([
    [
      {},
      { places: 3, because: 'own_node', processors: 6 },
      'at most 3 closes at once on its node: half of its 6 processors',
    ],
    [
      { close: { perNode: 2 } },
      { places: 2, because: 'request' },
      'at most 2 closes at once on its node: close.perNode says so',
    ],
    [{ close: { perNode: null } }, null, undefined],
  ])(
    '`explain` shows how many jobs may close at once on the node of a job, and why, for the payload %j',
    async (payload, places, line) => {
      await using setup = await startSetup([...busy(3), ...idle(1)], {
        nodes: [{ name: 'a', processors: 6 }],
      });
      expect((await explained(setup, 'idle-0', payload)).places).toEqual(places);
      const stdin = JSON.stringify(payload);
      const shown = await runOn(setup, ['explain', 'idle-0', '-o', 'table', '-p', '-'], { stdin });
      expect(shown.stdout.split('\n').find((each) => each.includes('closes at once'))).toBe(line);
    },
  );

  it('`explain` shows the times of a job with their sources, and which time decides the verdict', async () => {
    await using setup = await startSetup([
      ...busy(3),
      { jobId: 'reopened', lastData: '51d', latestRecord: '400d', openedAt: '2h' },
    ]);
    const { clocks, verdict, idleMs } = await explained(setup, 'reopened');
    const at = (ago: number) => new Date(setup.clock.now() - ago).toISOString();
    expect(clocks.map(({ name, value, decides }) => [name, value, decides])).toEqual([
      ['last data', at(51 * 24 * hour), false],
      ['process started', at(2 * hour), true],
      ['newest record', at(400 * 24 * hour), false],
    ]);
    expect(idleMs).toBe(2 * hour);
    expect(verdict).toEqual({ verdict: 'keep', reason: 'recently_opened' });
  });

  it('`explain` predicts when the verdict changes, and the verdict does change at that time', async () => {
    await using setup = await startSetup([...busy(3), { jobId: 'fed', lastData: '44h', openedAt: '9d' }]);
    const { changes } = await explained(setup, 'fed');
    expect(changes).toEqual([
      {
        at: new Date(setup.clock.now() + 4 * hour).toISOString(),
        inMs: 4 * hour,
        verdict: 'close',
        reason: 'idle',
      },
    ]);
    expect(await text(setup, 'fed')).toContain(
      'close (idle) in 4 h, at 2026-11-23 16:00:00 UTC, if no data arrives',
    );
    await setup.clock.advance(4 * hour - 1_000);
    expect((await explained(setup, 'fed')).verdict?.verdict).toBe('keep');
    await setup.clock.advance(1_000);
    expect((await explained(setup, 'fed')).verdict).toEqual({ verdict: 'close', reason: 'idle' });
  });

  it('`explain` predicts a sequence of reasons: busy, then protected, then idle', async () => {
    await using setup = await startSetup([
      ...busy(3),
      { jobId: 'later', lastData: '1h', customSettings: { jobsweep: { protectUntil: '2026-12-01' } } },
    ]);
    const { changes } = await explained(setup, 'later');
    expect(changes.map(({ verdict, reason, at }) => `${at.slice(0, 13)} ${verdict} ${reason}`)).toEqual([
      '2026-11-25T11 keep protected',
      '2026-12-02T00 close idle',
    ]);
  });

  it.each<[string, FleetJob, object, RegExp]>([
    [
      'a running datafeed',
      { jobId: 'x', datafeed: { state: 'started' } },
      {},
      /datafeed_running +yes +datafeed-x is started, runningDatafeeds says keep/,
    ],
    [
      'an id that is also the name of a group',
      { jobId: 'x', groups: ['x'] },
      {},
      /unknown_state +yes +a group has the same name as the job(?!.*state_not_chosen +yes)/s,
    ],
    ['a forecast', { jobId: 'x', forecast: 'started' }, {}, /forecast_running +yes +1 forecast running/],
    [
      'a managed job',
      { jobId: 'x', customSettings: { managed: true } },
      {},
      /managed +yes +custom_settings\.managed is set, managed says keep/,
    ],
    [
      'an unreadable protection',
      { jobId: 'x', customSettings: { jobsweep: 'yes' } },
      {},
      /protected +yes +custom_settings\.jobsweep cannot be read/,
    ],
    ['an exclusion', { jobId: 'x' }, { exclude: 'x' }, /excluded +yes +exclude names x/],
    [
      'a failed job that may not be forced',
      { jobId: 'x', state: 'failed' },
      { force: { failed: false } },
      /force_not_allowed +yes +the state is failed, force\.failed says false/,
    ],
    [
      'a job that never had data',
      { jobId: 'x', lastData: undefined } as unknown as FleetJob,
      { neverFed: 'keep' },
      /never_fed +yes +it never had data, neverFed says keep/,
    ],
  ])(
    '`explain` shows the values that the rule for %s compares, and decides like a plan',
    async (_what, job, payload, line) => {
      await using setup = await startSetup([...busy(3), job]);
      const stdin = JSON.stringify(payload);
      const shown = await runOn(setup, ['explain', 'x', '-o', 'table', '-p', '-'], { stdin });
      expect(shown.stdout).toMatch(line);
      const { verdict, rules } = await explained(setup, 'x', payload);
      expect(rules.map(({ reason }) => reason)).toEqual(Object.keys(keepReasons));
      expect(rules.find(({ holds }) => holds)?.reason).toBe(verdict?.reason);
      const plan = reportOf(await runOn(setup, ['plan', '-p', '-'], { stdin }));
      if (verdict?.reason !== 'excluded') expect(jobOf(plan, 'x').reason).toBe(verdict?.reason);
    },
  );

  it('`explain` reports both that a fuse would stop the sweep and that the request does not name the job', async () => {
    await using setup = await startSetup([...busy(3), ...idle(9)]);
    expect(await text(setup, 'idle-0')).toContain('but the fuse max_share would refuse the whole sweep');
    const shown = await runOn(setup, ['explain', 'idle-0', '-o', 'table', '-p', '-'], {
      stdin: '{"jobs": "web-*"}',
    });
    expect(shown.stdout).toContain('but "jobs" in the request does not include it');
  });

  it('`explain` names the sweep that closed a job, with the time and reason from its report', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    await using folder = await newFolder();
    const report = folder.at('report.json');
    await runOn(setup, ['sweep', '--yes', '--output-file', report]);
    const { sweepId } = JSON.parse(await folder.read('report.json')) as { sweepId: string };
    const told = await text(setup, 'idle-0', '--history', report);
    expect(told).toMatch(
      new RegExp(
        `^closed by jobsweep at 2026-11-23 12:\\d\\d:\\d\\d UTC \\(sweep ${sweepId}\\), because idle: no activity for at least idleFor; it had been idle for 4 d 4 h$`,
        'm',
      ),
    );
    expect(told).toContain('to get it back: POST _ml/anomaly_detectors/idle-0/_open\n');
    expect(told).not.toContain('earlier sweeps');
    const { stdout } = await runOn(setup, ['explain', 'idle-0', '--history', report, '-o', 'json']);
    expect((JSON.parse(stdout) as Explanation).closed).toMatchObject({
      by: { sweepId, outcome: 'closed', reason: 'idle' },
      finishedAt: expect.stringMatching(/^2026-11-23T12:/),
      isLater: false,
    });
  });

  it('`explain` says that a job was closed with force', async () => {
    await using setup = await startSetup([...busy(4), { jobId: 'broken', state: 'failed', lastData: '9d' }]);
    await using folder = await newFolder();
    const report = folder.at('report.json');
    await runOn(setup, ['sweep', '--yes', '--output-file', report]);
    expect(await text(setup, 'broken', '--history', report)).toMatch(
      /^closed with force by jobsweep at .* \(sweep [0-9a-f-]+\), because failed: idle, and in state failed, which only force can close; it had been idle for 9 d$/m,
    );
  });

  it('if none of the reports names the sweep that closed a job, `explain` shows only the time of the close', async () => {
    await using setup = await startSetup([
      ...busy(4),
      { jobId: 'old', state: 'closed', lastData: '9d', finishedAt: '5d' },
    ]);
    const bare = await text(setup, 'old');
    expect(bare).toContain('closed at 2026-11-18 12:00:00 UTC');
    expect(bare).toContain(
      'which sweep closed it, and why: give its report or the function’s log lines with --history FILE',
    );
  });

  it('if somebody else opened and closed a job after a sweep, `explain` does not say that the sweep closed it', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    await using folder = await newFolder();
    const report = folder.at('report.json');
    await runOn(setup, ['sweep', '--yes', '--output-file', report]);
    await setup.clock.advance(hour);
    setup.cluster.openJob('idle-0');
    await setup.clock.advance(hour);
    await fetch(`${setup.server.url}/_ml/anomaly_detectors/idle-0/_close`, { method: 'POST' });
    await setup.clock.advance(hour);
    const told = await text(setup, 'idle-0', '--history', report);
    expect(told).toMatch(
      /^closed at 2026-11-23 1[45]:.* UTC, by a person, another program or a sweep whose report was not read$/m,
    );
    expect(told).toMatch(
      /earlier sweeps:\n {2}2026-11-23 12:00:00 UTC {2}closed, because idle, idle for 4 d 4 h/,
    );
  });

  it.each<[string, object, string]>([
    [
      'is protected',
      { jobsweep: { protect: true } },
      'once it is open, sweeps keep it, because protected: custom_settings.jobsweep says protect',
    ],
    [
      'is protected until a date',
      { jobsweep: { protectUntil: '2026-12-01' } },
      'once it is open, sweeps keep it, because protected: custom_settings.jobsweep protects until 2026-12-02 00:00:00 UTC',
    ],
    [
      'has a misspelled opt-out',
      { jobSweep: true },
      'the key "jobSweep" in its custom_settings is nearly "jobsweep", so it protects the job; the right spelling is {"jobsweep": {"protect": true}}',
    ],
    [
      'has an opt-out that is not read',
      { jobsweeper: { protect: true } },
      'the key "jobsweeper" in its custom_settings is not read and protects nothing; the right spelling is {"jobsweep": {"protect": true}}',
    ],
    [
      'was protected until a date in the past',
      { jobsweep: { protectUntil: '2026-11-20' } },
      'its protection ended at 2026-11-21 00:00:00 UTC, 2 d 12 h ago',
    ],
    [
      'is managed',
      { managed: true },
      'once it is open, sweeps keep it, because managed: custom_settings.managed is set, managed says keep',
    ],
    [
      'is not protected',
      {},
      'once it is open, sweeps close it again after 48h without data; to keep it out, add {"jobsweep": {"protect": true}} to its custom_settings: an update replaces them all',
    ],
  ])(
    '`explain` says what sweeps will do with a closed job after it is opened again, if the job %s',
    async (_what, customSettings, line) => {
      await using setup = await startSetup([
        ...busy(4),
        { jobId: 'old', state: 'closed', lastData: '9d', customSettings } as FleetJob,
      ]);
      expect(await text(setup, 'old')).toContain(line);
    },
  );

  it.each<[object, string | undefined]>([
    [{ jobsweeper: true }, 'the key "jobsweeper" in its custom_settings is not read and protects nothing'],
    [
      { jobswepe: true },
      'the key "jobswepe" in its custom_settings is nearly "jobsweep", so it protects the job',
    ],
    [{ jobsweep: 'yes' }, 'custom_settings.jobsweep cannot be read, so it protects the job'],
    [{ jobsweep: { protectUntil: '2026-11-20' } }, 'its protection ended at 2026-11-21 00:00:00 UTC'],
    [{ jobsweep: { protect: true } }, undefined],
    [{}, undefined],
  ])(
    '`explain` points out an opt-out that does not work as the job’s owner intended: %j',
    async (customSettings, line) => {
      await using setup = await startSetup([
        ...busy(4),
        { jobId: 'mine', lastData: '9d', customSettings } as FleetJob,
      ]);
      const shown = await text(setup, 'mine');
      if (line !== undefined) expect(shown).toContain(line);
      else expect(shown).not.toMatch(/in its custom_settings|cannot be read, so|its protection ended/);
    },
  );

  it('`explain` says that a protection has ended', async () => {
    await using setup = await startSetup([
      ...busy(4),
      { jobId: 'mine', lastData: '9d', customSettings: { jobsweep: { protectUntil: '2026-11-20' } } },
    ]);
    expect(await text(setup, 'mine')).toMatch(
      /protected +no +custom_settings\.jobsweep protected until 2026-11-21 00:00:00 UTC, which is over/,
    );
  });

  it('if a job id does not exist, `explain` suggests the most similar ids', async () => {
    await using setup = await startSetup([...busy(3), { jobId: 'web-latency' }, { jobId: 'web-latency-2' }]);
    const result = await runOn(setup, ['explain', 'web-latancy']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toBe(
      'jobsweep: the cluster has no job "web-latancy"; did you mean "web-latency" or "web-latency-2"?\n',
    );
    expect((await runOn(setup, ['explain', 'q'])).stderr).toContain(
      'jobsweep plan --all lists those that are open',
    );
  });

  it('`explain` does not fail if a time is too large for a date', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    const { changes, clocks } = await explained(setup, 'idle-0', { idleFor: '104249991d' });
    expect(changes).toEqual([]);
    expect(clocks[0]?.value).not.toBeNull();
    const answers = answersFor([
      {
        config: configOf('odd'),
        stats: statsOf('odd', {
          data_counts: {
            ...statsOf('odd').data_counts,
            last_data_time: 1e300,
            latest_record_timestamp: -1e300,
          },
        }),
      },
    ]);
    await using server = await serve((exchange) => respondWith(answers, exchange));
    const env = { ELASTICSEARCH_URL: server.url };
    const result = await runOn(setup, ['explain', 'odd'], { env });
    expect(result.exit).toBe(0);
    const { verdict, clocks: odd } = JSON.parse(result.stdout) as Explanation;
    expect(verdict).toEqual({ verdict: 'keep', reason: 'recent_data' });
    expect(odd.map(({ value }) => value)).toEqual([null, expect.any(String), null]);
  });

  it('`explain` changes nothing', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    await text(setup, 'idle-0');
    expect(setup.server.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});

it.each([
  ['last_data_time', { data_counts: { ...statsOf('odd').data_counts, last_data_time: 1e300 } }],
  [
    'latest_record_timestamp',
    { data_counts: { ...statsOf('odd').data_counts, latest_record_timestamp: -1e17 } },
  ],
  ['open_time', { open_time: '999999999999d' }],
])('`explain` treats a time as missing if it is too large for a date: an absurd %s', async (_what, stats) => {
  const answers = answersFor([{ config: configOf('odd'), stats: statsOf('odd', stats) }]);
  await using server = await serve((exchange) => respondWith(answers, exchange));
  for (const form of ['json', 'table', 'html']) {
    const { exit, stdout, stderr } = await runCommand(['explain', 'odd', '-o', form], {
      env: { ELASTICSEARCH_URL: server.url },
    });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toContain(form === 'json' ? '"value": null' : 'not known');
  }
});
