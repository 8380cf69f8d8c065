/** @module The checks of reports in Elasticsearch: where they go, and whether they can be written and read. */
import type { Clock } from '../../base/clock.ts';
import { JobsweepError } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { systemClock } from '../../base/system-clock.ts';
import { type Connection, shownAddress } from '../../elasticsearch/connection.ts';
import { examineStreams, type StreamFacts } from '../../elasticsearch/examine-streams.ts';
import { lacksPrivilege } from '../../elasticsearch/failure.ts';
import { explainFailure } from '../../elasticsearch/fatal-errors.ts';
import { findReportTarget, type ReportTarget, storesReports } from '../../settings/report-settings.ts';
import { secretReader } from '../../settings/secrets.ts';
import { streamName, streamPattern } from '../../sweep/reporting/stream-names.ts';
import { type ConsoleRequest, preparation } from '../../sweep/reporting/stream-requests.ts';
import { type Finding, finding, note, ok } from './finding.ts';

const check = 'reports';

export interface ReportFindings {
  readonly findings: readonly Finding[];
  /** The requests that prepare the cluster for reports; none if no reports are stored. */
  readonly requests: readonly ConsoleRequest[];
}

export async function reportFindings(
  env: Readonly<Record<string, string | undefined>>,
  swept: Connection,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<ReportFindings> {
  if (!storesReports(env)) return { findings: [], requests: [] };
  let target: ReportTarget | undefined;
  try {
    target = await findReportTarget(env, swept, secretReader(systemClock, env));
  } catch (error) {
    if (!(error instanceof JobsweepError)) throw error;
    return { findings: [finding(check, error.message, 'Fix this setting.')], requests: [] };
  }
  if (!target) return { findings: [], requests: [] };
  const { connection, namespace } = target;
  const streams = [streamName('sweep', namespace), streamName('job', namespace)];
  const facts = await examineStreams(connection, clock, { signal, streams });
  const where = `${streams.join(' and ')} on ${connection === swept ? 'the swept cluster' : shownAddress(connection)}`;
  return { findings: findingsOf(facts, connection, where), requests: preparation(versionOf(facts)) };
}

function findingsOf({ root, lacking }: StreamFacts, connection: Connection, where: string): Finding[] {
  if ('failure' in root && !lacksPrivilege(root.failure)) {
    const { what, advice, detail } = explainFailure(root.failure, { connection, asked: 'GET /' });
    return [finding(check, detail === undefined ? what : `${what} (${detail})`, advice)];
  }
  if ('failure' in lacking)
    return [
      connection.credentials
        ? note(
            check,
            `${where}; the privileges of the credentials cannot be read`,
            'Run jobsweep plan: it warns if its report cannot be stored.',
          )
        : ok(check, `${where}; the cluster requires no credentials`),
    ];
  const missing = new Set([...lacking.value.values()].flat());
  const toWrite = [...missing].filter((name) => name !== 'read');
  if (toWrite.length > 0)
    return [
      finding(
        check,
        `the credentials lack ${toWrite.join(' and ')} on ${where}: no report is stored`,
        'Create a key with the request below, or add its privileges to the key.',
      ),
    ];
  return [
    missing.has('read')
      ? note(
          check,
          `${where} can be written, but not read: advise does not know its records`,
          `Add the privilege read on ${streamPattern} if the same key is used for advise.`,
        )
      : ok(check, `${where} can be written and read`),
  ];
}

function versionOf({ root }: StreamFacts): string | undefined {
  const version = 'value' in root && isJsonObject(root.value.version) ? root.value.version : {};
  // The version that serverless reports has no meaning.
  if (version.build_flavor === 'serverless') return undefined;
  return typeof version.number === 'string' ? version.number : undefined;
}
