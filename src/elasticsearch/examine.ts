/** @module Everything about a cluster that tells whether it can be swept, read for `jobsweep doctor`. Nothing is changed. */

import type { Clock } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';
import { quote } from '../base/text.ts';
import { type Fields, UnreadableAnswer } from './answers.ts';
import { shownCertificate } from './client/authority.ts';
import { type Connection, urlOf } from './connection.ts';
import type { Failure } from './failure.ts';
import { mayPass, Reader, type Reading, waitTold } from './retry-reads.ts';
import { type Question, Wire } from './wire.ts';

export interface ShownCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** Epoch milliseconds. */
  readonly validTo: number;
}

/** What each question came to. Those after `root` are undefined if it shows that the connection needs a fix. */
export interface ClusterFacts {
  /** Undefined without TLS, and when none could be had: why that is, `root` tells. */
  readonly certificate: ShownCertificate | undefined;
  /** `GET /` */
  readonly root: Reading<Fields>;
  /** `GET _ml/info` */
  readonly info?: Reading<Fields>;
  /** `POST _security/user/_has_privileges`: cluster privileges by name. */
  readonly privileges?: Reading<Fields>;
  /** `GET _cluster/settings`: the settings below by name, persistent and transient ones over the defaults. */
  readonly settings?: Reading<Fields>;
  /** How many jobs there are. */
  readonly jobs?: Reading<number>;
}

export const examinedPrivileges = ['monitor_ml', 'manage_ml', 'monitor', 'manage', 'all'] as const;

export const examinedSettings = {
  idleClose: 'xpack.ml.idle_job_auto_close_timeout',
  allocation: 'cluster.persistent_tasks.allocation.enable',
} as const;

/** Nobody who asks what is wrong waits for longer before the next try, in milliseconds: that is the finding. */
const longestWait = 10_000;

export async function examine(
  connection: Connection,
  clock: Clock,
  signal: AbortSignal,
  notice: (message: string) => void,
): Promise<ClusterFacts> {
  const wire = new Wire(connection);
  try {
    const reader = new Reader(wire, clock);
    reader.limit({ notice });
    const ask = <T>(question: Question, understand: (body: Fields) => T): Promise<Reading<T>> =>
      reader.read(
        question,
        (body) => {
          if (!isJsonObject(body)) throw new UnreadableAnswer('it is no object');
          return understand(body);
        },
        signal,
        // where security is off, its APIs answer 500, and go on doing so
        (failure) =>
          mayPass(failure) &&
          !('error' in failure && failure.error.status === 500) &&
          waitTold(failure) <= longestWait,
      );
    const certificate = await certificateOf(connection, signal);
    const root = await ask({ method: 'GET', path: '/' }, (body) => body);
    if ('failure' in root && !mayBeOfRootAlone(root.failure)) return { certificate, root };
    const [info, privileges, settings, jobs] = await Promise.all([
      ask({ method: 'GET', path: '/_ml/info' }, (body) => body),
      ask(
        {
          method: 'POST',
          path: '/_security/user/_has_privileges',
          body: { cluster: [...examinedPrivileges] },
        },
        ({ cluster }) => (isJsonObject(cluster) ? cluster : {}),
      ),
      ask(
        { method: 'GET', path: '/_cluster/settings', query: { include_defaults: true, flat_settings: true } },
        effectiveSettings,
      ),
      ask(
        { method: 'GET', path: '/_ml/anomaly_detectors/_stats', query: { filter_path: 'error,count' } },
        ({ count }) => {
          if (typeof count === 'number' && count >= 0) return count;
          throw new UnreadableAnswer(`count is ${quote(count)}`);
        },
      ),
    ]);
    return { certificate, root, info, privileges, settings, jobs };
  } finally {
    await wire.close();
  }
}

/** A key without `monitor`, or a front that lets only some paths pass, refuses this question and none that a sweep needs. */
const mayBeOfRootAlone = (failure: Failure): boolean => 'error' in failure && failure.error.status === 403;

function effectiveSettings({ defaults, persistent, transient }: Fields): Fields {
  return Object.assign({}, ...[defaults, persistent, transient].filter(isJsonObject)) as Fields;
}

async function certificateOf(
  connection: Connection,
  signal: AbortSignal,
): Promise<ShownCertificate | undefined> {
  const url = urlOf(connection);
  if (url.protocol !== 'https:') return undefined;
  try {
    const certificate = await shownCertificate(url, signal);
    return (
      certificate && {
        subject: certificate.subject,
        issuer: certificate.issuer,
        validTo: Date.parse(certificate.validTo),
      }
    );
  } catch {
    return undefined;
  }
}
