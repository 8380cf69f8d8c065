import { describe, expect, it } from 'vitest';
import { frontsPage } from '../../scripts/docs/fronts.ts';
import { VirtualClock } from '../../simulator/clock.ts';
import { trackHttp } from '../../simulator/track-http.ts';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { page } from '../support/markdown.ts';
import { answeredAt, answersFor, configOf, datafeedOf, respondWith, statsOf } from '../support/ml-answers.ts';
import { runCommand } from '../support/run-command.ts';
import { type Exchange, serve } from '../support/scripted-server.ts';
import { frontGroups } from './cases/index.ts';
import { type FrontCase, shownUrl } from './front-case.ts';

const day = 86_400_000;

/**
 * A cluster of idle jobs. Each has been idle an hour longer than the job before, so that they do not look like an
 * ingest outage.
 */
function healthyAnswers({ jobs = ['job-a'], spoil }: FrontCase) {
  const answers = answersFor(
    jobs.map((jobId, index) => {
      const stats = statsOf(jobId);
      stats.data_counts.last_data_time = answeredAt - 5 * day - index * 3_600_000;
      return {
        config: configOf(jobId, { datafeed_config: { datafeed_id: `datafeed-${jobId}` } }),
        stats,
        datafeed: datafeedOf(jobId),
      };
    }),
  );
  spoil?.(answers);
  return answers;
}

/** Waits on the simulated clock until the client disconnects. */
const untilGone = ({ request, response }: Exchange, clock: VirtualClock) =>
  clock.parked(request.socket.remotePort, new Promise<void>((resolve) => response.once('close', resolve)));

function responder(front: FrontCase, clock: VirtualClock) {
  const answers = healthyAnswers(front);
  const closed = new Set<string>();
  let answered = 0;
  return async (exchange: Exchange) => {
    const healthy = () => {
      // a healthy cluster closes the named jobs, and answers reads by ids
      const [, ids = '', end] = /^\/_ml\/anomaly_detectors\/([^/]+)(\/\w+)?$/.exec(exchange.path) ?? [];
      const named = decodeURIComponent(ids).split(',');
      if (end === '/_close') for (const id of named) closed.add(id);
      for (const job of answers.stats.jobs ?? []) if (closed.has(job.job_id)) job.state = 'closed';
      const pick = (key: 'jobs' | 'datafeeds', list: { [name: string]: unknown }) => {
        const [, listed] = /^\/_ml\/(?:anomaly_detectors|datafeeds)\/([^/_][^/]*)/.exec(exchange.path) ?? [];
        if (listed === undefined || !Array.isArray(list[key])) return list;
        const wanted = decodeURIComponent(listed).split(',');
        const entries = list[key].filter((entry) => wanted.includes(entry.job_id ?? entry.datafeed_id));
        return { count: entries.length, [key]: entries };
      };
      respondWith(
        {
          ...answers,
          configs: pick('jobs', answers.configs),
          stats: pick('jobs', answers.stats),
          datafeeds: pick('datafeeds', answers.datafeeds),
        },
        exchange,
      );
    };
    const { answer } = front;
    if (front.silent) await untilGone(exchange, clock);
    else if (front.respond) await front.respond(exchange, healthy);
    else if (
      answer &&
      `${exchange.method} ${exchange.path}`.startsWith(answer.to ?? '') &&
      answered < (answer.times ?? Number.POSITIVE_INFINITY)
    ) {
      answered += 1;
      if (typeof answer.body === 'string') exchange.raw(answer.body, answer.status, answer.headers);
      else exchange.json(answer.body, answer.status, answer.headers);
    } else healthy();
  };
}

/** The report on standard output; undefined if the command writes no report. */
function reportIn(stdout: string): SweepReport | undefined {
  if (!stdout.startsWith('{')) return undefined;
  const value = JSON.parse(stdout) as SweepReport;
  return 'counts' in value ? value : undefined;
}

describe.each(frontGroups)('$title', ({ cases }) => {
  it.each(cases)(
    'the command’s messages, exit code and outcomes match docs/fronts-and-clusters.md: $name',
    async (front) => {
      using clock = new VirtualClock(answeredAt);
      using _tracked = trackHttp(clock);
      await using server = front.start
        ? await front.start()
        : await serve(responder(front, clock), front.tls ? { tls: front.tls } : {});
      const { url } = server;
      const request = front.request ?? {};
      const args = [...(front.command ?? ['plan']), ...(Object.keys(request).length > 0 ? ['-p', '-'] : [])];
      const result = await runCommand(args, {
        clock,
        stdin: JSON.stringify(request),
        env: front.environment?.(url) ?? { ELASTICSEARCH_URL: url },
      });
      const took = clock.now() - answeredAt;
      const report = reportIn(result.stdout);
      const said = [
        result.stderr,
        ...(report?.warnings ?? []),
        ...(report?.jobs ?? []).map(({ reason }) => reason),
        ...(report?.jobs ?? []).map(
          ({ error }) => error && `HTTP ${error.status} ${error.type}: ${error.reason}`,
        ),
        report ? '' : result.stdout,
      ]
        .join('\n')
        .replaceAll(url, shownUrl);
      for (const text of front.says) expect(said).toContain(text);
      expect(result.exit, said).toBe(front.exit);
      for (const [jobId, outcome] of Object.entries(front.outcomes ?? {})) {
        const job = report?.jobs.find((entry) => entry.jobId === jobId);
        expect(job?.outcome === 'kept' ? `kept: ${job.reason}` : job?.outcome, `${jobId}: ${said}`).toBe(
          outcome,
        );
      }
      // without outcomes, the page says "nothing is closed"
      if (front.outcomes === undefined)
        expect(server.requests.filter(({ path }) => path.endsWith('/_close'))).toEqual([]);
      if (front.withinMs !== undefined) expect(took).toBeLessThanOrEqual(front.withinMs);
    },
  );
});

describe('docs/fronts-and-clusters.md', () => {
  it('docs/fronts-and-clusters.md is up to date with the test cases from which it is generated', () => {
    expect(page('docs/fronts-and-clusters.md')).toBe(frontsPage());
  });

  it('each case in docs/fronts-and-clusters.md has its own name', () => {
    const names = frontGroups.flatMap(({ cases }) => cases.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
  });
});
