import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { FleetJob } from '../../simulator/elasticsearch/index.ts';
import { habits } from '../../simulator/past/life.ts';
import type { Explanation } from '../../src/cli/explain/explanation.ts';
import type { Advice } from '../../src/sweep/advising/advise.ts';
import { newFolder } from '../support/folder.ts';
import { reportOf, runOn } from '../support/run-on.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';
import { trueNumbers } from '../sweep/advising/truth.ts';

const hour = 3_600_000;
const day = 24 * hour;

async function advice(setup: SweepSetup, ...args: string[]): Promise<Advice> {
  const result = await runOn(setup, ['advise', ...args]);
  expect(result.stderr).toBe('');
  expect(result.exit).toBe(0);
  return JSON.parse(result.stdout) as Advice;
}

/** Jobs with each habit (pattern of getting data) in turn. Each has been open for weeks and idle for hours or days. */
const fleet = (count: number): FleetJob[] =>
  Array.from({ length: count }, (_, index) => ({
    jobId: `job-${String(index).padStart(2, '0')}`,
    created: `${40 + index * 3}d`,
    openedAt: `${12 + index * 2}d`,
    lastData: `${1 + ((index * 37) % 300)}h`,
    modelBytes: `${20 + index}mb`,
    ...(index % 3 !== 0 && { datafeed: { state: 'stopped' as const } }),
    past: { habit: habits[index % habits.length] ?? 'live', comesBack: index % 4, seed: index },
  }));

describe('`jobsweep advise`', () => {
  it('the ranges that `advise` gives for closes and wrong closes contain the true numbers, in total and per job', async () => {
    await using setup = await startSetup(fleet(28));
    const asOf = setup.clock.now();
    for (const days of [10, 30]) {
      const result = await runOn(setup, ['advise', '--days', String(days), '-o', 'ndjson']);
      const lines = result.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const jobs = lines.filter(({ type }) => type === 'job');
      expect(jobs.length).toBeGreaterThan(20);
      const sweeps = Array.from({ length: days + 1 }, (_, index) => asOf - (days - index) * day);
      const sums = new Map<string, { closes: number; wrongCloses: number }>();
      for (const { jobId, knownFrom, thresholds } of jobs as {
        jobId: string;
        knownFrom: string;
        thresholds: { idleFor: string; closes: Range; wrongCloses: Range; gbHours: Range }[];
      }[]) {
        const job = setup.cluster.cluster.jobs.get(jobId);
        const past = job?.past?.();
        if (!job || !past) throw new Error(`${jobId} has no past`);
        for (const { idleFor, ...ranges } of thresholds) {
          const truth = trueNumbers(past.truth, {
            idleFor: ({ '12h': 12, '24h': 24, '48h': 48, '7d': 168 }[idleFor] as number) * hour,
            sweeps,
            knownFrom: Date.parse(knownFrom),
            closingIsOpen: false,
            bytes: [{ at: asOf, bytes: job.modelBytes }],
          });
          const sum = sums.get(idleFor) ?? { closes: 0, wrongCloses: 0 };
          sums.set(idleFor, {
            closes: sum.closes + truth.closes,
            wrongCloses: sum.wrongCloses + truth.wrongCloses,
          });
          for (const name of ['closes', 'wrongCloses', 'gbHours'] as const) {
            expect(truth[name], `${jobId} ${idleFor} ${name}`).toBeGreaterThanOrEqual(
              ranges[name].atLeast - 1e-6,
            );
            expect(truth[name], `${jobId} ${idleFor} ${name}`).toBeLessThanOrEqual(
              ranges[name].atMost + 1e-6,
            );
          }
        }
      }
      for (const { idleFor, closes, wrongCloses } of lines.filter(({ type }) => type === 'threshold') as {
        idleFor: string;
        closes: Range;
        wrongCloses: Range;
      }[]) {
        const truth = sums.get(idleFor);
        expect(truth?.closes).toBeGreaterThanOrEqual(closes.atLeast);
        expect(truth?.closes).toBeLessThanOrEqual(closes.atMost);
        expect(truth?.wrongCloses).toBeGreaterThanOrEqual(wrongCloses.atLeast);
        expect(truth?.wrongCloses).toBeLessThanOrEqual(wrongCloses.atMost);
      }
    }
  });

  it('`advise` shows how many jobs a sweep would close now, and the number is the same as in the plan', async () => {
    await using setup = await startSetup([...fleet(14), ...idle(3), ...busy(5)]);
    const { thresholds } = await advice(setup, '--idle-for', '24h,7d');
    for (const { idleFor, today } of thresholds) {
      const plan = await runOn(setup, ['plan', '-p', '-'], { stdin: JSON.stringify({ idleFor }) });
      expect(today).toBe(reportOf(plan).counts.idle);
    }
  });

  it('`advise` shows thresholds and the interval of sweeps in the units that the user chose, and calculates the price of memory', async () => {
    await using setup = await startSetup([...fleet(7)]);
    const result = await advice(
      setup,
      '--idle-for',
      '2d, 24h',
      '--every',
      '12h',
      '--price-per-gb-hour',
      '0.5',
    );
    expect(result.every).toBe('12h');
    expect(result.thresholds.map(({ idleFor }) => idleFor)).toEqual(['24h', '2d']);
    for (const { cost, gbHours } of result.thresholds)
      expect(cost).toEqual({ atLeast: gbHours.atLeast * 0.5, atMost: gbHours.atMost * 0.5 });
  });

  it('`advise` counts a protected job as left out, and does not judge it', async () => {
    await using setup = await startSetup([
      ...busy(4),
      { jobId: 'protected', lastData: '9d', customSettings: { jobsweep: { protect: true } } },
      { jobId: 'long-closed', state: 'closed', lastData: '200d', created: '300d' },
      { jobId: 'judged', lastData: '5d' },
    ]);
    const { jobs, knownFrom } = await advice(setup);
    expect(jobs).toEqual({ open: 6, judged: 5, leftOut: 1, unknown: 0 });
    expect(Object.keys(knownFrom)).toEqual(['busy-0', 'busy-1', 'busy-2', 'busy-3', 'judged']);
  });

  it('`advise` changes nothing', async () => {
    await using setup = await startSetup([...fleet(7), ...idle(2)]);
    const before = setup.cluster.jobs();
    await advice(setup);
    expect(setup.cluster.jobs()).toEqual(before);
    const asked = setup.server.requests.map(({ method, path }) => `${method} ${path}`);
    expect(asked.filter((each) => !each.startsWith('GET ') && !each.endsWith('_search'))).toEqual([]);
  });

  it.each([
    ['search', 'notifications', 'ml.get_model_snapshots'],
    ['ml.get_model_snapshots', 'snapshots', 'search'],
  ])(
    'if the cluster answers 403 to requests of the API `%s`, `advise` uses its other sources',
    async (api, source) => {
      await using setup = await startSetup(fleet(7), {
        faults: [{ api, times: 'always', status: 403, type: 'security_exception', reason: 'no privilege' }],
      });
      const { sources, missing, thresholds } = await advice(setup);
      expect(sources).not.toContain(source);
      const [first] = missing;
      expect(first?.source).toBe(source);
      expect(first?.why).toContain('403');
      expect(first?.adds).not.toBe('');
      expect(thresholds[0]?.closes.atLeast).toBeGreaterThan(0);
    },
  );

  it('`advise` warns if it finds no notifications, because the key may lack the privilege to read them', async () => {
    await using setup = await startSetup(idle(3));
    const { sources, warnings } = await advice(setup);
    expect(sources).toContain('notifications');
    expect(warnings.join()).toContain('lacks read');
    await using told = await startSetup(fleet(7));
    expect((await advice(told)).warnings.join()).not.toContain('lacks read');
  });

  it('`advise` also judges a job that earlier reports show as flapping', async () => {
    await using folder = await newFolder();
    await using setup = await startSetup([...idle(1), ...busy(4)]);
    const env = { XDG_STATE_HOME: folder.path };
    for (let round = 0; round < 3; round += 1) {
      await runOn(setup, ['sweep', '--yes'], { env });
      await setup.clock.advance(hour);
      setup.cluster.openJob('idle-0');
      await setup.clock.advance(3 * day);
    }
    const { jobs, knownFrom } = JSON.parse((await runOn(setup, ['advise'], { env })).stdout) as Advice;
    expect(jobs.leftOut).toBe(0);
    expect(Object.keys(knownFrom)).toContain('idle-0');
  });

  it('`advise` recommends nothing if job stats are its only source', async () => {
    await using setup = await startSetup(fleet(7), {
      faults: ['search', 'ml.get_model_snapshots'].map((api) => ({
        api,
        times: 'always' as const,
        status: 403,
      })),
    });
    const { sources, recommended, warnings } = await advice(setup);
    expect(sources).toEqual(['stats']);
    expect(recommended).toBeNull();
    expect(warnings.join()).toContain('no recommendation');
  });

  it.each(['table', 'markdown', 'html'])('`advise` supports the output format %s', async (form) => {
    await using setup = await startSetup([...fleet(10)]);
    const { stdout, exit } = await runOn(setup, ['advise', '-o', form]);
    expect(exit).toBe(0);
    for (const part of ['12h', '24h', '48h', '7d', 'Recommended']) expect(stdout).toContain(part);
    if (form === 'html') expect(stdout.match(/<svg /g)?.length).toBe(4);
    if (form === 'table') expect(stdout).toContain('█');
  });

  it.each([
    [['--days', '0'], '--days'],
    [['--days', '366'], '--days'],
    [['--days', '1.5'], '--days'],
    [['--idle-for', '24h,'], '--idle-for'],
    [['--idle-for', '2 weeks'], '--idle-for'],
    [['--every', '5'], '--every'],
    [['--days', '300', '--every', '1s'], '--every'],
    [['--price-per-gb-hour', 'cheap'], '--price-per-gb-hour'],
    [['--price-per-gb-hour', '-1'], '--price-per-gb-hour'],
  ])('`advise` refuses the arguments %j', async (args, named) => {
    await using setup = await startSetup(idle(1));
    const { exit, stderr, stdout } = await runOn(setup, ['advise', ...args]);
    expect(exit).toBe(2);
    expect(stderr).toContain(named);
    expect(stdout).toBe('');
    expect(setup.server.requests).toEqual([]);
  });
});

interface Range {
  readonly atLeast: number;
  readonly atMost: number;
}

describe('the records of plans and sweeps', () => {
  it('records of all open jobs are written by each plan and sweep, and read by `advise`', async () => {
    await using folder = await newFolder();
    await using setup = await startSetup([...idle(2), ...busy(3)], {
      faults: ['search', 'ml.get_model_snapshots'].map((api) => ({
        api,
        times: 'always' as const,
        status: 403,
      })),
    });
    const env = { XDG_STATE_HOME: folder.path };
    const options = { env };
    await runOn(setup, ['plan'], options);
    for (let round = 0; round < 4; round += 1) {
      await setup.clock.advance(day);
      setup.cluster.receiveData('idle-1');
      await runOn(setup, ['plan'], options);
    }
    await setup.clock.advance(3 * day);
    const { stdout } = await runOn(setup, ['advise', '--days', '10', '--idle-for', '25h'], options);
    const { sources, knownFrom } = JSON.parse(stdout) as Advice;
    expect(sources).toEqual(['stats', 'records']);
    expect(Object.keys(knownFrom)).toContain('idle-1');
    // The job's known past begins with the first plan, seven days ago, not with its last data.
    expect(setup.clock.now() - Date.parse(knownFrom['idle-1'] ?? '')).toBeGreaterThan(6.9 * day);
  });

  it('records are not kept with --no-save or for the embedded cluster', async () => {
    await using folder = await newFolder();
    await using setup = await startSetup(idle(2));
    await runOn(setup, ['plan', '--no-save'], { env: { XDG_STATE_HOME: folder.path } });
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe('a job that is reopened after each close', () => {
  const flapping: FleetJob = {
    jobId: 'flapping',
    created: '90d',
    openedAt: '50h',
    lastData: '60d',
    datafeed: { state: 'stopped' },
    past: { habit: 'live', comesBack: 4, seed: 5 },
  };

  it('a job that is reopened after each close is kept by a plan and by a sweep, because it is flapping', async () => {
    await using setup = await startSetup([flapping, ...idle(1), ...busy(4)]);
    const report = await setup.sweep({});
    expect(report.jobs.find(({ jobId }) => jobId === 'flapping')).toMatchObject({
      verdict: 'keep',
      reason: 'flapping',
    });
    expect(report.counts.closed).toBe(1);
  });

  it('if the notification messages cannot be read, a sweep closes a job even though the job is reopened after each close', async () => {
    for (const fault of [{ status: 403 }, { hang: true }]) {
      await using setup = await startSetup([flapping, ...busy(4)], {
        faults: [{ api: 'search', times: 'always', ...fault }],
      });
      expect((await setup.sweep({})).counts.closed).toBe(1);
    }
  });

  it('`advise` lists a job that is reopened after each close, with a suggestion', async () => {
    await using setup = await startSetup([flapping, ...busy(4)]);
    const { comesBack } = await advice(setup);
    expect(comesBack).toHaveLength(1);
    expect(comesBack[0]).toMatchObject({ jobId: 'flapping', times: 4 });
    expect(comesBack[0]?.suggestion).toBeDefined();
  });
});

describe('the conclusion of `advise`', () => {
  it.each([
    ['{}', 'This request: idleFor 48h, the default: of 1 close in 30 days, none would have been wrong.'],
    ['{"idleFor": "24h"}', 'This request: idleFor 24h: of 1 close in 30 days, none would have been wrong.'],
    ['{"idleFor": "1d"}', 'This request: idleFor 24h: of 1 close in 30 days, none would have been wrong.'],
    ['{"idleFor": "36h"}', undefined],
  ])(
    '`advise` shows a result for the idleFor of the request %s, but only if it is one of the compared thresholds',
    async (payload, line) => {
      await using setup = await startSetup([...idle(1, { openedAt: '40d' }), ...busy(4)]);
      for (const form of ['table', 'markdown']) {
        const { stdout } = await runOn(setup, ['advise', '-o', form, '-p', payload]);
        if (line === undefined) expect(stdout).not.toContain('This request');
        else expect(stdout.replaceAll('\\', '')).toContain(line);
        expect(stdout).toContain('which the closed job would have missed until it was opened again');
      }
    },
  );
});

describe('the calendar of `advise`', () => {
  it('the calendar of `advise` shows a job as silent on the day on which a sweep closed it', async () => {
    await using folder = await newFolder();
    await using setup = await startSetup([...idle(1, { openedAt: '40d' }), ...busy(4)]);
    const options = { env: { XDG_STATE_HOME: folder.path } };
    await runOn(setup, ['sweep', '--yes'], options);
    await setup.clock.advance(3_600_000);
    expect(setup.state('idle-0')).toBe('closed');
    const { stdout } = await runOn(setup, ['advise', '-o', 'table'], options);
    // The last data came four days and four hours before the sweep.
    expect(stdout).toMatch(/^idle-0 +\?*█····$/m);
  });
});

describe('`explain --history`', () => {
  it.each([[['explain', 'job-05', '--history']], [['explain', '--history', 'job-05']]])(
    'the command %j shows the past of one job, each event with its source',
    async (args) => {
      await using setup = await startSetup([...fleet(7)]);
      const { stdout, exit } = await runOn(setup, [...args, '-o', 'json']);
      expect(exit).toBe(0);
      const { timeline } = JSON.parse(stdout) as Explanation;
      const events = timeline?.events ?? [];
      expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted());
      expect(events.some(({ what }) => what === 'opened')).toBe(true);
      expect(events.some(({ source }) => source === 'snapshots')).toBe(true);
      // Only one job's past is requested, not the whole fleet's.
      const paths = setup.server.requests
        .map(({ path }) => path)
        .filter((path) => path.includes('model_snapshots'));
      expect(paths).toEqual(['/_ml/anomaly_detectors/job-05/model_snapshots']);
    },
  );

  it('`explain --history` shows who closed a job', async () => {
    await using folder = await newFolder();
    await using setup = await startSetup([...idle(1, { openedAt: '40d' }), ...busy(4)]);
    const options = { env: { XDG_STATE_HOME: folder.path } };
    await runOn(setup, ['sweep', '--yes'], options);
    const { stdout } = await runOn(setup, ['explain', 'idle-0', '--history', '-o', 'json'], options);
    const { timeline } = JSON.parse(stdout) as Explanation;
    expect(
      timeline?.events.some(({ what, by }) => what === 'closed' && by?.startsWith('jobsweep, sweep ')),
    ).toBe(true);
  });

  it('`explain --history` requires a job id', async () => {
    await using setup = await startSetup(idle(1));
    const { exit, stderr } = await runOn(setup, ['explain', '--history']);
    expect(exit).toBe(2);
    expect(stderr).toContain('expected the id of a job');
  });
});

describe('Elasticsearch’s own idle closer', () => {
  it('`explain --history` names Elasticsearch’s own idle closer if it closed the job', async () => {
    await using setup = await startSetup(
      [...idle(1, { openedAt: '40d', datafeed: { state: 'stopped' } }), ...busy(2)],
      {
        settings: { 'xpack.ml.idle_job_auto_close_timeout': '48h' },
      },
    );
    await setup.clock.advance(2 * day);
    expect(setup.state('idle-0')).toBe('closed');
    const { stdout } = await runOn(setup, ['explain', 'idle-0', '--history', '-o', 'json']);
    const { timeline } = JSON.parse(stdout) as Explanation;
    expect(timeline?.events.find(({ what }) => what === 'closed')?.by).toBe("the server's own idle closer");
  });
});
