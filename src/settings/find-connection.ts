/** @module Finds the settings of a cluster: in the environment, a secret or a clusters file. Nothing here is logged. */

import { InvalidSettingError, SecretUnreachableError } from '../base/errors.ts';
import { printable, quote } from '../base/text.ts';
import { addressSetting, type Connection, urlOf } from '../elasticsearch/connection.ts';
import {
  type ConnectionSetting,
  type ConnectionValues,
  type SourcedSettings,
  settingNames,
  sourced,
  toConnection,
} from './connection-settings.ts';

export { type ConnectionValues, connectionSettings } from './connection-settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns a secret's text by its name. Rejects with the service's error. */
export type ReadSecret = (name: string) => Promise<string>;

export const otherSettings = {
  ELASTICSEARCH_SECRET:
    'The name of a secret whose JSON contains the settings above. It adds those that the environment does not set.',
  ELASTICSEARCH_SECRET_PREFIX:
    'For a cluster other than `default`: the secret’s name is this prefix followed by the cluster’s name.',
  JOBSWEEP_SCHEDULE_GROUP: 'The schedule group of follow-ups and recurring schedules.',
  JOBSWEEP_SCHEDULER_ROLE_ARN: 'The role that EventBridge Scheduler assumes to invoke the function.',
  JOBSWEEP_FUNCTION_ARN: 'The function that schedules invoke.',
  JOBSWEEP_DLQ_ARN: 'The dead-letter queue for deliveries that failed after all retries.',
  HTTPS_PROXY:
    'The proxy for addresses that begin with `https://`, such as `http://proxy.example.com:3128`. This variable and the next two also work in lower case, which wins.',
  HTTP_PROXY: 'The proxy for addresses that begin with `http://`.',
  NO_PROXY:
    'Hosts to reach without a proxy, separated by commas: names, with all names below them; addresses; ranges such as `10.0.0.0/8`; `*` for all.',
  JOBSWEEP_VPC_SUBNETS:
    'The subnets of a function in a VPC. The deployment sets it, and only error messages use it.',
  JOBSWEEP_VPC_SECURITY_GROUPS: 'The security groups of a function in a VPC, likewise.',
} as const;

export interface FindConnection {
  readonly cluster: string;
  readonly environment: Environment;
  readonly readSecret: ReadSecret;
  /** Clusters by name, from a file (`--clusters`). They take precedence over environment and secrets. */
  readonly clusters?: Readonly<Record<string, ConnectionValues>> | undefined;
}

/**
 * The connection of a cluster by name (docs/contract.md §4); undefined for `default` if nothing is set.
 * @throws {InvalidSettingError} naming the invalid setting, but never the value of a credential.
 */
export async function findConnection(find: FindConnection): Promise<Connection | undefined> {
  const connection = await readConnection(find);
  const { environment } = find;
  if (!connection || !Object.keys(environment).some((name) => wayOutSetting.test(name))) return connection;
  // Loaded on demand: most functions have neither a proxy nor a VPC.
  const { routeOf } = await import('../elasticsearch/route.ts');
  return { ...connection, route: routeOf(urlOf(connection), addressSetting(connection), environment) };
}

/** The variables that `way-out.ts` reads. */
const wayOutSetting = /^(https?|all)_proxy$|^JOBSWEEP_VPC/i;

async function readConnection(find: FindConnection): Promise<Connection | undefined> {
  const { cluster, environment, clusters, readSecret } = find;
  // hasOwn, because a cluster may be called `constructor`.
  if (clusters && Object.hasOwn(clusters, cluster)) {
    const where = `the clusters file, cluster ${quote(cluster)}`;
    // break: named-cluster
    return complete(await toConnection(sourced(clusters[cluster] ?? {}, where)), where);
  }
  if (cluster === 'default') {
    const own = sourced(environment, 'the environment');
    const secret = environment.ELASTICSEARCH_SECRET?.trim();
    if (!secret) return toConnection(own);
    const where = `the secret ${quote(secret)}`;
    return complete(
      await toConnection(merge(own, sourced(await secretValues(secret, where, readSecret), where))),
      where,
    );
  }
  if (clusters) {
    throw new InvalidSettingError(
      `the cluster ${quote(cluster)} is not in the clusters file, which has ${listed(Object.keys(clusters))}`,
    );
  }
  // A named cluster takes nothing from the environment: the address there would be another cluster's.
  const secret = secretOf(cluster, environment);
  const where = `the secret ${quote(secret)}`;
  return complete(await toConnection(sourced(await secretValues(secret, where, readSecret), where)), where);
}

/** A secret or file for a cluster must contain its address. */
function complete(connection: Connection | undefined, where: string): Connection {
  if (connection) return connection;
  throw new InvalidSettingError(
    `${where} contains no settings of a cluster: set ELASTICSEARCH_URL or ELASTICSEARCH_CLOUD_ID`,
  );
}

function secretOf(cluster: string, environment: Environment): string {
  const prefix = environment.ELASTICSEARCH_SECRET_PREFIX?.trim();
  if (prefix) return `${prefix}${cluster}`;
  throw new InvalidSettingError(
    `cluster: ${quote(cluster)} needs settings of its own: set ELASTICSEARCH_SECRET_PREFIX, or give the command a file with --clusters`,
  );
}

const addresses = ['ELASTICSEARCH_URL', 'ELASTICSEARCH_CLOUD_ID'] as const;
const authorities = ['ELASTICSEARCH_CA_CERT', 'ELASTICSEARCH_CA_FINGERPRINT'] as const;
const users = ['ELASTICSEARCH_USERNAME', 'ELASTICSEARCH_PASSWORD'] as const;

/** The environment takes precedence and the secret adds the rest. Alternative settings are never mixed. */
function merge(own: SourcedSettings, secret: SourcedSettings): SourcedSettings {
  const whole = (group: readonly ConnectionSetting[]) => {
    const source = group.some((name) => own[name]) ? own : secret;
    return Object.fromEntries(group.map((name) => [name, source[name]]));
  };
  return { ...whole(addresses), ...whole(authorities), ...mergeCredentials(own, secret) };
}

/** The environment's credentials, or the secret's, or one half of a user from each if they cannot be two users. */
function mergeCredentials(own: SourcedSettings, secret: SourcedSettings): SourcedSettings {
  const { ELASTICSEARCH_API_KEY: key } = own;
  if (key) return { ELASTICSEARCH_API_KEY: key };
  if (!users.some((name) => own[name])) {
    const [username, password] = users;
    return {
      ELASTICSEARCH_API_KEY: secret.ELASTICSEARCH_API_KEY,
      [username]: secret[username],
      [password]: secret[password],
    };
  }
  const halves = users.every((name) => own[name]) ? {} : secret;
  for (const name of users) {
    if (own[name] && halves[name] && own[name].value !== halves[name].value) {
      throw new InvalidSettingError(
        `${own[name].where} and ${halves[name].where} set different values for ${name}, and only one of them sets the other half: set ${users.join(' and ')} in one place`,
      );
    }
  }
  return Object.fromEntries(users.map((name) => [name, own[name] ?? halves[name]]));
}

async function secretValues(name: string, where: string, readSecret: ReadSecret): Promise<ConnectionValues> {
  let text: string;
  try {
    text = await readSecret(name);
  } catch (error) {
    if (error instanceof SecretUnreachableError) throw error;
    // A parser's message quotes its input, which may be the secret. For the same reason there is no `cause`.
    const why = error instanceof SyntaxError || !(error instanceof Error) ? 'invalid answer' : error.message;
    throw new InvalidSettingError(
      `${where} cannot be read (${printable(why)}): check its name, and that the function’s role may read it`,
    );
  }
  let parsed: unknown;
  try {
    // Editors on Windows start a file with a byte order mark.
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new InvalidSettingError(
      `${where} is not a JSON object: expected keys such as ELASTICSEARCH_URL and ELASTICSEARCH_API_KEY`,
    );
  }
  return readConnectionValues(parsed as Record<string, unknown>, where);
}

/** The connection settings among `fields`. Ignores other keys unless they resemble a setting's name. */
export function readConnectionValues(
  fields: Readonly<Record<string, unknown>>,
  where: string,
): ConnectionValues {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!settingNames.some((known) => known === name)) {
      if (!/^elasticsearch/i.test(name)) continue;
      throw new InvalidSettingError(
        `${where} has the unknown key ${quote(name)}; the known keys are ${settingNames.join(', ')}`,
      );
    }
    if (value === null) continue;
    if (typeof value !== 'string') throw new InvalidSettingError(`${where}: ${name} is not a string`);
    values[name] = value;
  }
  return values;
}

/** A file may list a thousand clusters: a message names the first of them. */
const maxNames = 20;
function listed(names: readonly string[]): string {
  const shown = names.slice(0, maxNames).map(printable).join(', ') || 'none';
  return names.length > maxNames ? `${shown} and ${names.length - maxNames} more` : shown;
}
