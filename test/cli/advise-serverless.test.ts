import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Explanation } from '../../src/cli/explain/explanation.ts';
import type { Advice } from '../../src/sweep/advising/advise.ts';
import { type Folder, newFolder } from '../support/folder.ts';
import { runOn } from '../support/run-on.ts';
import { type ScriptedServer, serve } from '../support/scripted-server.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const day = 86_400_000;

/** Paths that serverless does not offer to users. */
const isPrivate = (path: string) =>
  path === '/_ml/info' ||
  path.startsWith('/_cluster/') ||
  path.startsWith('/_nodes') ||
  path.includes('/model_snapshots');

/** An Elasticsearch serverless project: the embedded cluster behind a server that answers like serverless. */
const serverlessOf = (setup: SweepSetup, notifications: number): Promise<ScriptedServer> =>
  serve(async ({ method, path, query, body, json }) => {
    if (isPrivate(path)) {
      const reason = `Request for uri [${path}] with method [${method}] exists but is not available when running in serverless mode`;
      return json({ error: { type: 'api_not_available_exception', reason }, status: 410 }, 410);
    }
    if (path.startsWith('/.ml-notifications'))
      return json(
        {
          error: {
            type: notifications === 404 ? 'index_not_found_exception' : 'security_exception',
            reason: 'no',
          },
        },
        notifications,
      );
    const asked = await fetch(`${setup.server.url}${path}?${query.toString()}`, {
      method,
      ...(body !== '' && { body, headers: { 'content-type': 'application/json' } }),
    });
    const text = await asked.text();
    const answer = JSON.parse(text) as {
      jobs?: Record<string, unknown>[];
      version?: Record<string, unknown>;
    };
    for (const job of answer.jobs ?? []) delete job.node;
    if (path === '/' && answer.version) answer.version.build_flavor = 'serverless';
    json(answer, asked.status);
  });

describe.each([403, 404, 410])('on serverless, where the notifications API answers %i', (notifications) => {
  let setup: SweepSetup;
  let server: ScriptedServer;
  let folder: Folder;
  beforeEach(async () => {
    setup = await startSetup([...idle(2), ...busy(3)]);
    server = await serverlessOf(setup, notifications);
    folder = await newFolder();
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    await setup[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const run = async (...args: string[]) => {
    const env = { XDG_STATE_HOME: folder.path, ELASTICSEARCH_URL: server.url };
    const { exit, stdout, stderr } = await runOn(setup, [...args, '-o', 'json'], { env });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: expect.any(String) });
    return stdout;
  };

  it('on serverless, `advise` judges jobs from the records that plans keep, and lists the sources that are missing', async () => {
    await run('plan');
    for (let round = 0; round < 8; round += 1) {
      await setup.clock.advance(day);
      // Data arrives every third day.
      if (round % 3 === 2) setup.cluster.receiveData('idle-1');
      await run('plan');
    }
    const { sources, missing, jobs, thresholds, knownFrom } = JSON.parse(
      await run('advise', '--days', '7', '--idle-for', '36h'),
    ) as Advice;
    expect(sources).toEqual(['stats', 'records']);
    expect(missing.map(({ source, why }) => `${source} ${why.slice(0, 3)}`)).toEqual([
      'snapshots 410',
      `notifications ${notifications}`,
    ]);
    // no privilege is suggested for model snapshots, because serverless does not offer that endpoint
    expect(missing[0]?.adds).not.toContain('monitor_ml');
    expect(missing[1]?.adds.includes('read on .ml-notifications*')).toBe(notifications === 403);
    expect(jobs.judged).toBe(5);
    expect(setup.clock.now() - Date.parse(knownFrom['idle-1'] ?? '')).toBeGreaterThan(7 * day);
    expect(thresholds[0]?.closes.atLeast).toBeGreaterThan(0);
    expect(thresholds[0]?.wrongCloses.atLeast).toBeGreaterThan(0);
  });

  it('on serverless, `explain --history` shows the data that the records contain', async () => {
    await run('plan');
    await setup.clock.advance(day);
    setup.cluster.receiveData('idle-0');
    await run('plan');
    await setup.clock.advance(day);
    const { timeline } = JSON.parse(await run('explain', 'idle-0', '--history')) as Explanation;
    expect(timeline?.sources).toEqual(['stats', 'records']);
    expect(timeline?.events.filter(({ source }) => source === 'records').length).toBeGreaterThan(1);
  });
});
