/**
 * @module Where reports are stored in Elasticsearch: the settings JOBSWEEP_REPORTS_… for the function and the command.
 */
import { InvalidSettingError } from '../base/errors.ts';
import { quote } from '../base/text.ts';
import type { Connection } from '../elasticsearch/connection.ts';
import { type ConnectionSetting, type Environment, settingNames } from './environment.ts';
import { findConnection, type ReadSecret } from './find-connection.ts';

/** Where the reports are stored. */
export interface ReportTarget {
  readonly namespace: string;
  readonly connection: Connection;
}

const reportsPrefix = 'JOBSWEEP_REPORTS_';

/** Whether the environment asks for reports in Elasticsearch. */
export const storesReports = (environment: Environment): boolean =>
  Object.entries(environment).some(
    ([name, value]) => name.startsWith(reportsPrefix) && (value ?? '').trim() !== '',
  );

/**
 * The cluster and the namespace for reports; undefined if the environment does not ask for stored reports. If no
 * address for reports is set, they are stored in the swept cluster itself.
 * @throws {JobsweepError} for an invalid setting, or a secret that cannot be read.
 */
export async function findReportTarget(
  environment: Environment,
  swept: Connection,
  readSecret: ReadSecret,
): Promise<ReportTarget | undefined> {
  if (!storesReports(environment)) return undefined;
  const namespace = environment[`${reportsPrefix}NAMESPACE`]?.trim() || 'default';
  if (!/^[a-z0-9_.]{1,100}$/.test(namespace))
    throw new InvalidSettingError(
      `the environment: ${reportsPrefix}NAMESPACE: expected 1 to 100 of a-z, 0-9, _ and ., got ${quote(namespace)}`,
    );
  const own = ownConnection(environment);
  return { namespace, connection: (await connectionOf(own, readSecret)) ?? swept };
}

/**
 * The environment with the settings for reports under the names for a cluster: JOBSWEEP_REPORTS_URL becomes
 * ELASTICSEARCH_URL, and so on.
 */
function ownConnection(environment: Environment): Environment {
  const names: readonly (ConnectionSetting | 'ELASTICSEARCH_SECRET')[] = [
    ...settingNames,
    'ELASTICSEARCH_SECRET',
  ];
  // keeps the other variables, because the settings of the proxy are among them
  return {
    ...environment,
    ...Object.fromEntries(
      names.map((name) => [name, environment[name.replace('ELASTICSEARCH_', reportsPrefix)]]),
    ),
  };
}

async function connectionOf(own: Environment, readSecret: ReadSecret): Promise<Connection | undefined> {
  try {
    return await findConnection({ cluster: 'default', environment: own, readSecret });
  } catch (error) {
    if (!(error instanceof InvalidSettingError) || !error.message.startsWith('the environment: '))
      throw error;
    // The error is about a setting in the environment, whose name begins with JOBSWEEP_REPORTS_. (In a secret, the
    // names begin with ELASTICSEARCH_.)
    throw new InvalidSettingError(error.message.replaceAll('ELASTICSEARCH_', reportsPrefix));
  }
}
