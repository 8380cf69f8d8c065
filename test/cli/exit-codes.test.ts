import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';
import { reportOf, runOn } from '../support/run-on.ts';
import { busy, expectSums, expectTruth, idle, startSetup } from '../support/sweep-setup.ts';

describe('exit code 0', () => {
  it('the exit code is 0 for a sweep that closed all idle jobs, and standard output has only the report', async () => {
    await using setup = await startSetup([...busy(4), ...idle(3)]);
    const result = await runOn(setup, ['sweep', '--yes']);
    expect(result.exit).toBe(0);
    const report = reportOf(result);
    expectSums(report);
    expectTruth(report, setup);
    expect(report.counts).toMatchObject({ open: 7, listed: 7, idle: 3, closed: 3, kept: 4 });
  });

  it('the exit code is 0 for a cluster without idle jobs', async () => {
    await using setup = await startSetup(busy(3));
    const result = await runOn(setup, ['sweep', '--yes']);
    expect(result.exit).toBe(0);
    expect(setup.closeRequests()).toEqual([]);
  });

  it('the exit code is 0 for a plan, which changes nothing', async () => {
    await using setup = await startSetup([...busy(4), ...idle(3)]);
    const result = await runOn(setup, ['plan']);
    expect(result.exit).toBe(0);
    expect(reportOf(result)).toMatchObject({ dryRun: true, counts: { idle: 3, notAttempted: 3 } });
    expect(
      setup.server.requests.filter(({ method, api }) => method !== 'GET' && api.startsWith('ml.')),
    ).toEqual([]);
  });

  it('the exit code is 0 for the help and the version', async () => {
    expect(await runCommand(['--help'])).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('Exit codes:'),
    });
    expect(await runCommand(['--version'])).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('exit code 2, with nothing on standard output and no request sent', () => {
  it.each([
    ['an unknown command', ['swep'], /unknown command 'swep'/],
    ['an unknown option', ['plan', '--yolo'], /unknown option '--yolo'/],
    ['an output format that does not exist', ['plan', '-o', 'xml'], /'xml' is invalid.*table, json/],
    [
      'an invalid deadline',
      ['plan', '--deadline', 'soon'],
      /--deadline: expected a duration of at least 1s, such as 15m, got soon/,
    ],
    ['a missing payload file', ['plan', '-p', 'no-such.json'], /no-such\.json cannot be read: ENOENT/],
    ['a sweep without a terminal and without --yes', ['sweep'], /needs --yes/],
    [
      'a plan and a payload together',
      ['sweep', '--yes', '--plan', 'a.json', '-p', 'b.json'],
      /--plan carries out exactly what the saved plan says, so -p cannot change it/,
    ],
    [
      'an output file in a missing folder',
      ['sweep', '--yes', '--output-file', '/no/such/folder/report.json'],
      /cannot be written.*ENOENT/,
    ],
    ['a missing history file', ['plan', '--history', 'no-such.json'], /no-such\.json cannot be read/],
  ])('the exit code is 2 for %s', async (_what, args, message) => {
    await using setup = await startSetup(idle(1));
    const result = await runOn(setup, args);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(setup.server.requests).toEqual([]);
  });

  it('the exit code is 2 if no cluster is named, and the message suggests the embedded cluster', async () => {
    const result = await runCommand(['plan']);
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(/ELASTICSEARCH_URL.*--embedded/);
  });

  it('the exit code is 2 for a name that matches no job if allowNoMatch is false', async () => {
    await using setup = await startSetup([...busy(3), ...idle(1)]);
    const stdin = '{"jobs": ["web-*"], "allowNoMatch": false}';
    const result = await runOn(setup, ['sweep', '--yes', '-p', '-'], { stdin });
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toContain('"web-*" matches no job');
    expect(setup.closeRequests()).toEqual([]);
  });
});

describe('exit code 3, with the report', () => {
  it('the exit code is 3 for a job left closing without a follow-up', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1, { closeTakes: '20m' })]);
    const result = await runOn(setup, ['sweep', '--yes']);
    expect(result.exit).toBe(3);
    expect(reportOf(result)).toMatchObject({ status: 'partial', counts: { closing: 1 } });
    expect(reportOf(result).warnings.join()).toContain('--wait');
  });

  it('the exit code is 3 for a job that cannot be closed', async () => {
    await using setup = await startSetup([
      ...busy(4),
      ...idle(1, { closeTakes: { fails: 'disk full', after: '1s' } }),
    ]);
    const result = await runOn(setup, ['sweep', '--yes', '-p', '-'], {
      stdin: '{"force": {"failed": false}}',
    });
    expect(result.exit).toBe(3);
    expect(reportOf(result).jobs[0]).toMatchObject({
      outcome: 'error',
      error: { reason: expect.any(String) },
    });
  });

  it('the exit code is 3 if more jobs are in state failed than force.max allows the sweep to force', async () => {
    await using setup = await startSetup([...busy(4), ...idle(3, { state: 'failed' })]);
    const result = await runOn(setup, ['sweep', '--yes', '-p', '-'], { stdin: '{"force": {"max": 1}}' });
    expect(result.exit).toBe(3);
    expect(reportOf(result).counts).toMatchObject({ forceClosed: 1, notAttempted: 2 });
  });

  it('after a signal, a sweep attempts no further jobs, and ends within ten seconds with exit code 3', async () => {
    await using setup = await startSetup([...busy(60), ...idle(50, { closeTakes: '5m' })]);
    const stop = new AbortController();
    let toldAt = 0;
    setup.server.faults.at(setup.clock.now() + 30_000, () => {
      toldAt = setup.clock.now();
      stop.abort(new DOMException('stopped by SIGTERM', 'AbortError'));
    });
    const stdin = '{"close": {"batch": 5, "concurrency": 1}}';
    const result = await runOn(setup, ['sweep', '--yes', '-p', '-'], { stdin, signal: stop.signal });
    expect(setup.clock.now() - toldAt).toBeLessThan(10_000);
    expect(result.exit).toBe(3);
    const report = reportOf(result);
    expectSums(report);
    expectTruth(report, setup);
    expect(report.counts).toMatchObject({ notAttempted: 45, closing: 5 });
    expect(report.jobs.find(({ outcome }) => outcome === 'not_attempted')?.notAttemptedBecause).toBe(
      'signal',
    );
  });

  it('a stopped sweep ends within ten seconds with exit code 3 even when the cluster no longer answers', async () => {
    await using setup = await startSetup([
      ...busy(10),
      ...idle(5, { closeTakes: '5m', datafeed: { state: 'started' } }),
    ]);
    const stop = new AbortController();
    let toldAt = 0;
    // after the close requests were sent, and before the first poll
    setup.server.faults.at(setup.clock.now() + 500, () =>
      setup.server.faults.add({ api: 'ml.get_*', hang: true, times: Number.POSITIVE_INFINITY }),
    );
    setup.server.faults.at(setup.clock.now() + 30_000, () => {
      toldAt = setup.clock.now();
      stop.abort(new DOMException('stopped by SIGINT', 'AbortError'));
    });
    const stdin = '{"runningDatafeeds": "stop"}';
    const result = await runOn(setup, ['sweep', '--yes', '-p', '-'], { stdin, signal: stop.signal });
    expect(toldAt).toBeGreaterThan(0);
    expect(setup.clock.now() - toldAt).toBeLessThan(10_000);
    expect(result.exit).toBe(3);
    expect(reportOf(result).counts.unknown).toBeGreaterThan(0);
  });

  it('a sweep that is stopped before the cluster’s first answer exits with code 3 and writes nothing to standard output', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    const signal = AbortSignal.abort(new DOMException('stopped by SIGINT', 'AbortError'));
    const result = await runOn(setup, ['sweep', '--yes'], { signal });
    expect(result).toMatchObject({ exit: 3, stdout: '' });
    expect(result.stderr).toContain('stopped by SIGINT');
    expect(setup.closeRequests()).toEqual([]);
  });
});

describe('exit code 4', () => {
  it.each(['plan', 'sweep'])(
    'if a fuse refuses a %s, the exit code is 4 and standard output has the report',
    async (command) => {
      await using setup = await startSetup([...busy(4), ...idle(9)]);
      const result = await runOn(setup, [command, ...(command === 'sweep' ? ['--yes'] : [])]);
      expect(result.exit).toBe(4);
      expect(reportOf(result)).toMatchObject({
        status: 'refused',
        fuse: { name: 'max_share' },
        dryRun: command === 'plan',
      });
      expect(setup.closeRequests()).toEqual([]);
    },
  );

  it('the exit code is 4 if the cluster is in upgrade mode', async () => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    setup.cluster.setUpgradeMode(true);
    const result = await runOn(setup, ['sweep', '--yes']);
    expect(result.exit).toBe(4);
    expect(reportOf(result).fuse?.name).toBe('upgrade_mode');
  });

  it.each(['n\n', '\n', 'yep\n', ''])('the exit code is 4 if the user answers %j', async (stdin) => {
    await using setup = await startSetup([...busy(4), ...idle(1)]);
    const result = await runOn(setup, ['sweep'], { terminal: true, stdin });
    expect(result).toMatchObject({ exit: 4, stdout: '' });
    expect(result.stderr).toContain('Close 1 job on default (127.0.0.1:');
    expect(setup.closeRequests()).toEqual([]);
  });
});

describe('exit code 5, with nothing on standard output', () => {
  it('the exit code is 5 for a cluster that cannot be reached', async () => {
    await using setup = await startSetup([]);
    await setup.server.stop();
    const result = await runOn(setup, ['plan']);
    expect(result).toMatchObject({ exit: 5, stdout: '' });
    expect(result.stderr).toMatch(/cannot be reached.*Check the port in ELASTICSEARCH_URL/);
  });

  it('the exit code is 5 if the server at the address is not Elasticsearch', async () => {
    await using setup = await startSetup([]);
    setup.server.faults.add({ api: '*', noProduct: true, times: Number.POSITIVE_INFINITY });
    const result = await runOn(setup, ['plan']);
    expect(result).toMatchObject({ exit: 5, stdout: '' });
    expect(result.stderr).toContain('not as an Elasticsearch');
  });

  it('the exit code is 5 for a key that the cluster does not know', async () => {
    await using setup = await startSetup(idle(1), {
      apiKeys: [{ id: 'a', key: 'b', owner: 'o', cluster: ['manage_ml'] }],
    });
    const result = await runOn(setup, ['plan'], { env: { ELASTICSEARCH_API_KEY: 'a:wrong' } });
    expect(result).toMatchObject({ exit: 5, stdout: '' });
    expect(result.stderr).toMatch(/refused the credentials/);
    expect(result.stderr).toContain('check ELASTICSEARCH_API_KEY');
    expect(result.stderr).not.toContain('a:wrong');
  });

  it('the exit code is 5 for a sweep with a key that can only plan', async () => {
    const apiKeys = [{ id: 'a', key: 'b', owner: 'o', cluster: ['monitor_ml'] }];
    await using setup = await startSetup([...busy(3), ...idle(1)], { apiKeys });
    const env = { ELASTICSEARCH_API_KEY: 'a:b' };
    const plan = await runOn(setup, ['plan'], { env });
    expect(plan.exit).toBe(0);
    expect(reportOf(plan).warnings.join()).toContain('manage_ml');
    const sweep = await runOn(setup, ['sweep', '--yes'], { env });
    expect(sweep).toMatchObject({ exit: 5, stdout: '' });
    expect(sweep.stderr).toContain('manage_ml');
    expect(setup.closeRequests()).toEqual([]);
  });
});
