/**
 * @module Reads what `jobsweep doctor` checks: whether a sweep can run on this cluster with these settings. Changes
 * nothing.
 */
import type { Clock } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';
import { quote } from '../base/text.ts';
import { type Fields, UnreadableAnswer } from './answers.ts';
import { shownCertificate } from './client/authority.ts';
import { type Connection, urlOf } from './connection.ts';
import { doctorRead } from './doctor-read.ts';
import type { Failure } from './failure.ts';
import { Reader, type Reading } from './retry-reads.ts';
import { Wire } from './wire.ts';

export interface ShownCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** Epoch milliseconds. */
  readonly validTo: number;
}

/**
 * The result of each request. The fields after `root` are undefined if `root` shows that the connection needs a fix.
 */
export interface ClusterFacts {
  /** Undefined without TLS, or if the certificate could not be read; in that case `root` holds the reason. */
  readonly certificate: ShownCertificate | undefined;
  /** `GET /` */
  readonly root: Reading<Fields>;
  /** `GET _ml/info` */
  readonly info?: Reading<Fields>;
  /** `POST _security/user/_has_privileges`: cluster privileges by name. */
  readonly privileges?: Reading<Fields>;
  /** `GET _cluster/settings` by name: transient values override persistent ones, which override the defaults. */
  readonly settings?: Reading<Fields>;
  /** The number of jobs. */
  readonly jobs?: Reading<number>;
}

export const examinedPrivileges = ['monitor_ml', 'manage_ml', 'monitor', 'manage', 'all'] as const;

export const examinedSettings = {
  idleClose: 'xpack.ml.idle_job_auto_close_timeout',
  allocation: 'cluster.persistent_tasks.allocation.enable',
} as const;

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
    const ask = doctorRead(reader, signal);
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

/**
 * Whether the failure may concern only `GET /`. All requests of a sweep may still be allowed, if the key lacks only
 * `monitor`, or if a proxy allows only some paths.
 */
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
    const certificate = await shownCertificate(url, signal, connection.route?.proxy);
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
