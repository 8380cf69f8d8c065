/** @module The checks of a cluster, as pure functions: they turn the cluster's answers into findings for `doctor`. */

import { plural, printable } from '../../base/text.ts';
import { span } from '../../base/words.ts';
import { shownName } from '../../elasticsearch/client/authority.ts';
import { type Connection, shownWay, urlOf } from '../../elasticsearch/connection.ts';
import { type ClusterFacts, examinedSettings } from '../../elasticsearch/examine.ts';
import { type Failure, lacksPrivilege } from '../../elasticsearch/failure.ts';
import { explainFailure } from '../../elasticsearch/fatal-errors.ts';
import { mostListed } from '../../elasticsearch/listing.ts';
import type { Reading } from '../../elasticsearch/retry-reads.ts';
import { type Finding, finding, note, ok } from './finding.ts';

export interface ClusterCase {
  readonly connection: Connection;
  readonly facts: ClusterFacts;
  /** `idleFor` of the request, milliseconds. */
  readonly idleFor: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

export function clusterFindings(given: ClusterCase): Finding[] {
  const { facts } = given;
  const connection = connectionFinding(given);
  if (connection.level === 'finding') return [...transportFindingsAfterFailure(given), connection];
  return eachFixOnce([
    ...transportFindings(given),
    connection,
    versionFinding(facts.root),
    ...privilegeFindings(given),
    ...learningFindings(given),
    ...settingFindings(given),
  ]);
}

/** Drops a finding if an earlier one has the same advice: one cause can make several checks fail. */
function eachFixOnce(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ level, advice }) => {
    if (level !== 'finding' || advice === undefined) return true;
    const isNew = !seen.has(advice);
    seen.add(advice);
    return isNew;
  });
}

/** The TLS findings that may explain why the connection failed: the certificate and unencrypted credentials. */
function transportFindingsAfterFailure(given: ClusterCase): Finding[] {
  const { root } = given.facts;
  const failure = 'failure' in root ? root.failure : undefined;
  const leadsToTls =
    (failure?.kind === 'not_elasticsearch' && failure.movedTo !== undefined) ||
    (failure?.kind === 'lost' && failure.cause === 'only_tls');
  return transportFindings(given).flatMap((each) => {
    if (given.facts.certificate) return [note(each.check, each.found)];
    return each.level === 'finding' && !leadsToTls ? [each] : [];
  });
}

/** A certificate that expires within this time gets a warning; many operators renew monthly. */
const soon = 21 * 86_400_000;

function transportFindings({ connection, facts: { certificate, root }, now }: ClusterCase): Finding[] {
  const { protocol, hostname } = urlOf(connection);
  if (protocol !== 'https:') {
    const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
    return !local && connection.credentials
      ? [
          finding(
            'TLS',
            'the address is http: the credentials travel unencrypted',
            'Use https, or end TLS on this machine.',
          ),
        ]
      : [note('TLS', 'the address is http, without encryption')];
  }
  if (!certificate) return [];
  const left = certificate.validTo - now;
  const about = `certificate of ${shownName(certificate.subject)} by ${shownName(certificate.issuer)}`;
  if (left <= 0) return [finding('TLS', `${about}, which ended ${span(-left)} ago`, 'Renew it.')];
  const known = connection.caFingerprint
    ? 'ELASTICSEARCH_CA_FINGERPRINT'
    : connection.ca
      ? 'ELASTICSEARCH_CA_CERT'
      : 'the authorities that Node knows';
  const verified = 'value' in root || root.failure.kind !== 'lost' ? `, verified by ${known}` : '';
  if (left < soon)
    return [
      finding(
        'TLS',
        `${about}${verified}; it ends in ${span(left)}`,
        'Renew it, or sweeps will fail from then on.',
      ),
    ];
  return [ok('TLS', `${about}${verified}; valid for ${span(left)}`)];
}

function connectionFinding({ connection, facts: { root, info } }: ClusterCase): Finding {
  const where = shownWay(connection);
  const who = connection.credentials
    ? 'apiKey' in connection.credentials
      ? 'with an API key'
      : 'as a user'
    : 'without credentials';
  // A key without `monitor` cannot read the cluster's name, but it can sweep.
  const isOpen = 'value' in root || lacksPrivilege(root.failure) || (info && 'value' in info);
  return isOpen
    ? ok('connection', `${where} answers, ${who}`)
    : failedReadFinding('connection', root.failure, connection, 'GET /');
}

/** The finding for a failed read, with the advice that a sweep gives for the same failure. */
function failedReadFinding(check: string, failure: Failure, connection: Connection, asked: string): Finding {
  const { what, advice, detail } = explainFailure(failure, { connection, asked });
  return finding(check, detail === undefined ? what : `${what} (${detail})`, advice);
}

function versionFinding(root: Reading<Readonly<Record<string, unknown>>>): Finding {
  if (!('value' in root)) return note('version', 'not visible to this key; a sweep does not need it');
  const version = (root.value.version ?? {}) as { number?: unknown; build_flavor?: unknown };
  if (typeof version.number !== 'string') return note('version', 'unknown; a sweep does not need it');
  const shown = printable(version.number).slice(0, 40);
  if (version.build_flavor === 'serverless') return ok('version', 'serverless');
  const [major = 0, minor = 0] = shown.split('.').map(Number);
  if (major < 7 || (major === 7 && minor < 14))
    return finding(
      'version',
      shown,
      'Before 7.14 a close does not stop datafeeds, and jobs that are being deleted cannot be recognized: upgrade first.',
    );
  return ok('version', shown);
}

function privilegeFindings({ connection, facts: { privileges } }: ClusterCase): Finding[] {
  if (!privileges) return [];
  if (!('value' in privileges)) {
    if (!connection.credentials)
      return [note('privileges', 'the cluster requires no credentials: anyone can close its jobs')];
    return [
      note(
        'privileges',
        'the privileges of these credentials cannot be read',
        'Run jobsweep plan to see whether they can plan.',
      ),
    ];
  }
  const has = privileges.value;
  const plan = has.monitor_ml
    ? ok('planning', 'the credentials have monitor_ml')
    : finding(
        'planning',
        'the credentials lack the cluster privilege monitor_ml: they can neither plan nor sweep',
        'Create a key with the role that --print-role prints.',
      );
  // If `monitor_ml` and `manage_ml` are both missing, the finding `plan` already contains the fix.
  if (!has.monitor_ml && !has.manage_ml) return [plan];
  const sweep = has.manage_ml
    ? ok('sweeping', 'the credentials have manage_ml')
    : finding(
        'sweeping',
        'the credentials lack the cluster privilege manage_ml: they can plan but not sweep',
        'To sweep, create a key with the role that --print-role prints.',
      );
  const more =
    has.all || has.manage
      ? [
          note(
            'privileges',
            `the credentials have ${has.all ? 'all' : 'manage'}, far more than a sweep needs`,
            'A key with the role that --print-role prints is enough.',
          ),
        ]
      : [];
  return [plan, sweep, ...more];
}

function learningFindings({ facts: { info, jobs, privileges }, connection }: ClusterCase): Finding[] {
  const findings: Finding[] = [];
  if (info && 'value' in info) {
    findings.push(
      info.value.upgrade_mode === true
        ? finding(
            'upgrade mode',
            'on: sweeps are refused',
            'Turn it off when the upgrade is over: POST _ml/set_upgrade_mode?enabled=false',
          )
        : ok('upgrade mode', 'off'),
    );
  } else if (info && !lacksPrivilege(info.failure)) {
    findings.push(
      'error' in info.failure && [400, 404, 405, 410].includes(info.failure.error.status)
        ? note('upgrade mode', 'unknown: serverless has no upgrade mode')
        : failedReadFinding('upgrade mode', info.failure, connection, 'GET /_ml/info'),
    );
  }
  if (jobs && 'value' in jobs) {
    const many = jobs.value >= mostListed ? `, or more: one answer lists at most ${mostListed}` : '';
    findings.push(ok('jobs', `${plural(jobs.value, 'anomaly detection job')}${many}`));
  } else if (jobs && !(lacksPrivilege(jobs.failure) && privileges && 'value' in privileges)) {
    findings.push(failedReadFinding('jobs', jobs.failure, connection, 'GET /_ml/anomaly_detectors/_stats'));
  }
  return findings;
}

function settingFindings({ facts: { settings }, idleFor }: ClusterCase): Finding[] {
  if (!settings) return [];
  const closer = 'the server’s idle closer';
  if (!('value' in settings))
    return [
      note(
        closer,
        'its setting cannot be read with these credentials; a sweep does not need it',
        `${idleCloserDoes} If it is on, it and the sweep do not conflict: each skips jobs that the other has closed.`,
      ),
    ];
  const timeout = settings.value[examinedSettings.idleClose];
  const allocation = settings.value[examinedSettings.allocation];
  return [
    idleCloserFinding(closer, timeout, idleFor),
    ...(allocation === 'none'
      ? [
          finding(
            'task assignment',
            `${examinedSettings.allocation} is none: no job can be opened, and a job whose node leaves during a close stays closing`,
            'Set it to all.',
          ),
        ]
      : []),
  ];
}

const idleCloserDoes =
  'Each night it closes, gracefully, opened jobs whose datafeed is stopped and whose newest record is older than its timeout; it leaves jobs without a datafeed, never-fed jobs, running datafeeds and failed jobs alone.';

function idleCloserFinding(check: string, timeout: unknown, idleFor: number): Finding {
  if (timeout === undefined)
    return ok(check, 'this version has none: only sweeps and people close idle jobs');
  if (typeof timeout !== 'string') return note(check, 'its setting has an unexpected form');
  const shown = printable(timeout).slice(0, 40);
  if (shown.startsWith('-1')) return ok(check, `switched off (${examinedSettings.idleClose} is -1)`);
  return note(
    check,
    `on: ${examinedSettings.idleClose} is ${shown}, idleFor of the sweep is ${span(idleFor)}`,
    `${idleCloserDoes} It uses event time, so a job that is back-filled with old records looks idle to it but not to a sweep. The two do not conflict: each skips jobs that the other has closed. To use sweeps only, set it to -1.`,
  );
}
