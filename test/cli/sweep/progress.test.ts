import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

const slowJobs = [
  ...busy(12),
  ...idle(8, { closeTakes: '70s' }),
  { jobId: 'giant', lastData: '9d', closeTakes: '3m', modelBytes: '3gb' },
];
const stdin = '{"close": {"batch": 2}}';

/** The lines about progress, without the final lines of the sweep. */
const progressOf = (stderr: string) =>
  stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('undo with: '));

describe('the progress of a sweep', () => {
  it('on a terminal, the progress of a sweep is one regularly redrawn line that never wraps', async () => {
    await using setup = await startSetup(slowJobs);
    const drawn: string[] = [];
    await runOn(setup, ['sweep', '--yes', '-p', '-', '--no-color'], {
      stdin,
      terminal: true,
      columns: 60,
      onOutput: (text) => text.startsWith('\r') && drawn.push(text),
    });
    const lines = drawn.map((text) => text.replace('\r\u001b[2K', ''));
    expect(
      lines.some((line) => /^0 of 9 jobs closed, \d closing(, \d to go)?, .*elapsed, dead.*…$/.test(line)),
    ).toBe(true);
    expect(lines.some((line) => /^[1-8] of 9 jobs closed, \d closing, .* elapsed, deadl/.test(line))).toBe(
      true,
    );
    for (const line of lines) expect(stringWidth(line)).toBeLessThan(60);
    // the line is redrawn at least once a second for three minutes, even if nothing happens
    expect(drawn.length).toBeGreaterThan(180);
    expect(drawn.join('')).not.toContain('\n');
  });

  it('without a terminal, the progress of a sweep is an occasional line, with the result at the end', async () => {
    await using setup = await startSetup(slowJobs);
    const started = setup.clock.now();
    const { stderr } = await runOn(setup, ['sweep', '--yes', '-p', '-'], { stdin });
    const lines = progressOf(stderr);
    expect(lines[0]).toMatch(/^0 of 9 jobs closed/);
    expect(lines.at(-1)).toBe('9 of 9 jobs closed');
    expect(lines.length).toBeLessThanOrEqual((setup.clock.now() - started) / 15_000 + 2);
    expect(stderr).not.toContain('\u001b');
  });

  it('the progress of a sweep counts failed jobs', async () => {
    await using setup = await startSetup([
      ...busy(5),
      ...idle(2),
      { jobId: 'fails', lastData: '8d', closeTakes: { fails: 'disk full' } },
    ]);
    const { stderr } = await runOn(setup, ['sweep', '--yes', '-p', '-'], {
      stdin: '{"force": {"failed": false}}',
    });
    expect(progressOf(stderr).at(-1)).toBe('2 of 3 jobs closed, 1 failed');
  });

  it('jobs that are still closing or never got a close request do not count as done in the progress of a sweep', async () => {
    await using setup = await startSetup([
      ...busy(10),
      ...idle(1, { closeTakes: '1s' }),
      { jobId: 'hangs', lastData: '8d', closeTakes: 'never' },
      { jobId: 'failed', lastData: '8d', state: 'failed' },
    ]);
    const { stderr } = await runOn(setup, ['sweep', '--yes', '-p', '-'], {
      stdin: '{"force": {"max": 0}, "followUp": false}',
    });
    expect(progressOf(stderr).at(-1)).toBe('1 of 3 jobs closed, 1 still closing, 1 not attempted');
  });

  it('the progress of a sweep shows that the sweep waits for jobs that were already closing', async () => {
    const closing = { jobId: 'closing', lastData: '9d', state: 'closing', closeTakes: '80s' } as const;
    await using setup = await startSetup([...busy(5), closing]);
    const { stderr } = await runOn(setup, ['sweep', '--yes']);
    expect(stderr).toMatch(/^0 of 1 job closed, 1 closing, deadline in 15 min\n/);
    expect(stderr).toMatch(/\n1 of 1 job closed\n$/);
  });

  it('a sweep shows no progress if a fuse trips, even if some jobs are already closing', async () => {
    const closing = { jobId: 'closing', lastData: '9d', state: 'closing', closeTakes: '80s' } as const;
    await using setup = await startSetup([...busy(4), ...idle(9), closing]);
    expect(await runOn(setup, ['sweep', '--yes'])).toMatchObject({ exit: 4, stderr: '' });
  });

  it('a sweep or plan shows no progress if there is nothing to close', async () => {
    await using setup = await startSetup(busy(3));
    expect((await runOn(setup, ['sweep', '--yes'])).stderr).toBe('');
    expect((await runOn(setup, ['plan'])).stderr).toBe('');
  });
});
