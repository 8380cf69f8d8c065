/** @module Tests that the log lines to which alarms lead contain a link to their section of the runbook. */
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../src/function/handler.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { anchors, page } from '../support/markdown.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const sections = anchors(page('docs/runbook.md'));

/** The runbook section to which the last log line of one sweep or roll call links. */
async function sectionAfter(setup: SweepSetup, event: unknown, environment: Record<string, string> = {}) {
  const handler = createHandler({
    environment: { ELASTICSEARCH_URL: setup.server.url, ...environment },
    clock: setup.clock,
  });
  const lines = await linesOf(async () => {
    await Promise.resolve(handler(event, lambdaContext(setup.clock), {} as never)).catch(() => undefined);
  });
  const last = lines.find(({ message }) => /^(sweep|roll call) (finished|failed)$/.test(String(message)));
  if (last?.runbook === undefined) return undefined;
  const [, section = ''] =
    /^https:\/\/github\.com\/jobsweep\/jobsweep\/blob\/main\/docs\/runbook\.md#([\w-]+)$/.exec(
      last.runbook as string,
    ) ?? [];
  expect(sections).toContain(section);
  return section;
}

describe('the log line of the function', () => {
  it('the log line about a refused sweep links to the runbook section about the fuse that tripped', async () => {
    await using setup = await startSetup([...busy(2), ...idle(9)]);
    expect(await sectionAfter(setup, {})).toBe('refused-max_share');
  });

  it('the log line about a sweep links to the runbook section about forced jobs or about warnings, if there are any', async () => {
    await using setup = await startSetup([...busy(9), { jobId: 'broken', state: 'failed', lastData: '9d' }]);
    expect(await sectionAfter(setup, {})).toBe('a-job-was-forced');
    expect(await sectionAfter(setup, { jobs: ['*', 'gone-*'] })).toBe('warnings');
  });

  it('the log line about a sweep has no link if the runbook has no section about the result', async () => {
    await using setup = await startSetup([...busy(9), ...idle(2)]);
    expect(await sectionAfter(setup, {})).toBeUndefined();
  });

  it.each([
    ['a request with a typo', { idelFor: '48h' }, {}, 'error-invalidrequesterror'],
    [
      'a cluster that does not answer',
      {},
      { ELASTICSEARCH_URL: 'http://127.0.0.1:1' },
      'error-clusterunreachableerror',
    ],
    ['an invalid setting', {}, { ELASTICSEARCH_URL: 'nowhere' }, 'error-invalidsettingerror'],
    ['a roll call that failed', { rollCall: { within: 'soon' } }, {}, 'alarm-roll-call'],
  ])(
    'the log line about %s links to the runbook section for it',
    async (_what, event, environment, section) => {
      await using setup = await startSetup(busy(1));
      expect(await sectionAfter(setup, event, environment)).toBe(section);
    },
  );
});
