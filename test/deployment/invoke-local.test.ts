import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { scaledClock } from '../../simulator/clock.ts';
import { defaultFleet, startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { Framework } from '../support/framework-command.ts';
import { sized } from '../support/nightly.ts';
import { expectSweepOf } from './event-sweeps.ts';

const all = readdirSync(new URL('../../events', import.meta.url));
// each invocation bundles the function again, so a push tests one event; artefact.test.ts tests all events
const events = sized({ push: ['hourly.json'], nightly: all });

/**
 * The framework prints log lines and the handler's result to one stream. The result is the last object that spans
 * several lines.
 */
function resultOf(stdout: string): SweepReport {
  const start = stdout.lastIndexOf('\n{\n');
  return JSON.parse(stdout.slice(start)) as SweepReport;
}

describe('`npx sls invoke local -f sweep -p events/…`, without an AWS account', () => {
  // the function writes its log to the outputs of the process, so these runs do not share the process that packages the
  // service
  const framework = new Framework();
  afterAll(() => framework[Symbol.asyncDispose]());

  const invoke = (args: readonly string[], settings: Readonly<Record<string, string>>) =>
    framework.run(['invoke', 'local', '-f', 'sweep', ...args], settings);

  it.each(events)(
    '`sls invoke local` runs events/%s without an AWS account',
    { timeout: 120_000 },
    async (event) => {
      // the clock runs at 200 times real time, so that minutes of closing pass in about a second
      const clock = scaledClock(200);
      await using server = await startElasticsearch({ clock, fleet: defaultFleet(clock.now()) });
      const { exitCode, stdout } = await invoke(['-p', `events/${event}`], {
        ELASTICSEARCH_URL: server.url,
      });
      expect(exitCode).toBe(0);
      expectSweepOf(event, resultOf(stdout));
      expect(stdout).toContain('"message":"sweep finished"');
    },
  );

  it('`sls invoke local` starts the embedded cluster if none is configured, and says so', {
    timeout: 120_000,
  }, async () => {
    const { exitCode, stdout, stderr } = await invoke(['-p', 'events/dry-run.json'], {
      ELASTICSEARCH_URL: '',
    });
    expect(exitCode).toBe(0);
    expect(stderr).toContain('no cluster is configured: the embedded one runs at http://127.0.0.1:');
    expect(resultOf(stdout)).toMatchObject({ status: 'done', dryRun: true, counts: { idle: 12 } });
  });

  it('`sls invoke local` fails and names the error if the payload is invalid', {
    timeout: 120_000,
  }, async () => {
    const { exitCode, stdout } = await invoke(['--data', '{"idelFor":"48h"}'], {
      ELASTICSEARCH_URL: 'http://127.0.0.1:9',
    });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/InvalidRequestError[\s\S]*did you mean idleFor\?/);
  });
});
