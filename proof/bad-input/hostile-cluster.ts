/**
 * @module A fake cluster whose names, states and reasons are texts that a case sets, and a report of an earlier sweep
 * of that cluster.
 */
import { validateHeaderValue } from 'node:http';
import {
  answeredAt,
  answersFor,
  configOf,
  datafeedOf,
  respondWith,
  statsOf,
} from '../../test/support/ml-answers.ts';
import { productHeaders, type ScriptedServer, serve } from '../../test/support/scripted-server.ts';
import { type Bench, openBench } from './command.ts';
import { jsonText } from './json.ts';
import { reportedJob, reportOf } from './reports.ts';

/** The fields of the cluster's answers, and of the report, that may contain a hostile text. */
export const slots = [
  'jobId',
  'otherId',
  'state',
  'nodeId',
  'nodeName',
  'group',
  'feedId',
  'feedState',
  'blocked',
  'uuid',
  'version',
  'errorType',
  'errorReason',
  'warning',
  'setting',
  'sweepId',
  'reason',
] as const;
export type Slot = (typeof slots)[number];
export type Texts = Readonly<Record<Slot, string>>;

const day = 86_400_000;
/** A valid uuid for the report, in case the given uuid is empty. */
const plainUuid = 'AbCdEfGhIjKlMnOpQrStUv';

export interface HostileCluster extends Bench {
  readonly server: ScriptedServer;
  /** Sets the texts of the cluster and resets all its jobs. */
  say(texts: Texts): void;
}

function answersOf(texts: Texts) {
  const node = { id: texts.nodeId, name: texts.nodeName };
  const idle = (id: string, hours: number, stats: object = {}) =>
    statsOf(id, {
      node,
      data_counts: { ...statsOf('x').data_counts, last_data_time: answeredAt - 5 * day - hours * 3_600_000 },
      ...stats,
    });
  const feed = datafeedOf('odd-feed', { datafeed_id: texts.feedId, state: texts.feedState });
  const answers = answersFor([
    { config: configOf('idle-1', { groups: [texts.group] }), stats: idle('idle-1', 1) },
    { config: configOf('idle-2'), stats: idle('idle-2', 9) },
    { config: configOf(texts.jobId), stats: idle(texts.jobId, 17) },
    { config: configOf(texts.otherId, { groups: [texts.group] }), stats: idle(texts.otherId, 25) },
    { config: configOf('odd-state'), stats: idle('odd-state', 33, { state: texts.state }) },
    { config: configOf('odd-feed'), stats: idle('odd-feed', 41), datafeed: feed },
    { config: configOf('odd-block', { blocked: { reason: texts.blocked } }), stats: idle('odd-block', 49) },
  ]);
  answers.root = { cluster_uuid: texts.uuid, version: { number: texts.version, build_flavor: texts.state } };
  return answers;
}

export async function openHostileCluster(): Promise<HostileCluster> {
  const bench = await openBench();
  let texts: Texts | undefined;
  let answers: ReturnType<typeof answersOf> | undefined;
  const server = bench.stack.use(
    await serve((exchange) => {
      if (!texts || !answers) return exchange.json({}, 500);
      const { path, response } = exchange;
      if (canBeHeader(texts.warning))
        response.setHeader('warning', `299 Elasticsearch-9.2.1 "${texts.warning}"`);
      if (path === '/_cluster/settings')
        return exchange.json({ persistent: { 'xpack.ml.idle_job_auto_close_timeout': texts.setting } });
      const [, id] = /^\/_ml\/anomaly_detectors\/([^/]*)\/_(?:close|open)$/.exec(path) ?? [];
      if (id === undefined) return respondWith(answers, exchange);
      if (id.includes('idle-1') || path.endsWith('_open'))
        return exchange.json(
          { error: { type: texts.errorType, reason: texts.errorReason } },
          500,
          productHeaders,
        );
      for (const entry of answers.stats.jobs) if (entry.job_id === id) entry.state = 'closed';
      return exchange.json({ closed: true });
    }),
  );
  bench.env.ELASTICSEARCH_URL = server.url;
  return Object.assign(bench, {
    server,
    say: (said: Texts) => {
      texts = said;
      answers = answersOf(said);
    },
  });
}

function canBeHeader(text: string): boolean {
  try {
    validateHeaderValue('warning', text);
    return true;
  } catch {
    return false;
  }
}

/** A report of an earlier sweep of the cluster, with the given texts. */
export const reportOfHostileCluster = ({ uuid, sweepId, jobId, reason, nodeId, feedId }: Texts): string =>
  jsonText(
    reportOf(
      uuid || plainUuid,
      [
        reportedJob('idle-2', 'closed', { reason, nodeId }),
        reportedJob('odd-feed', 'error', { datafeedStopped: true, datafeedId: feedId, reason }),
        reportedJob(jobId, 'closed', { reason }),
      ],
      { sweepId },
    ),
  );
