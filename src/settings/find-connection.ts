/**
 * @module Finds the settings of a cluster: in the environment, a secret or a clusters file. This module logs nothing.
 */

import { InvalidSettingError, SecretUnreachableError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { printable, quote } from '../base/text.ts';
import { addressSetting, type Connection, urlOf } from '../elasticsearch/connection.ts';
import { type ConnectionValues, type SourcedSettings, sourced, toConnection } from './connection-settings.ts';
import { type ConnectionSetting, type Environment, settingNames } from './environment.ts';

/** Returns a secret's text by its name. Rejects with the service's error. */
export type ReadSecret = (name: string) => Promise<string>;

export interface FindConnection {
  readonly cluster: string;
  readonly environment: Environment;
  readonly readSecret: ReadSecret;
  /** Clusters by name, from a file (`--clusters`). These settings take precedence over the environment and secrets. */
  readonly clusters?: Readonly<Record<string, ConnectionValues>> | undefined;
}

/**
 * The connection of a cluster by name (docs/contract.md §4); undefined if the cluster is `default` and nothing is set.
 * @throws {InvalidSettingError} that names the invalid setting, but never the value of a credential.
 */
export async function findConnection(find: FindConnection): Promise<Connection | undefined> {
  const connection = await readConnection(find);
  const { environment } = find;
  if (!connection || !Object.keys(environment).some((name) => wayOutSetting.test(name))) return connection;
  // Loaded on demand: most functions have neither a proxy nor a VPC.
  const { routeOf } = await import('../elasticsearch/route.ts');
  return { ...connection, route: routeOf(urlOf(connection), addressSetting(connection), environment) };
}

/** The variables that choose a proxy or describe a VPC. `way-out.ts` reads them. */
const wayOutSetting = /^(https?|all)_proxy$|^JOBSWEEP_VPC/i;

async function readConnection(find: FindConnection): Promise<Connection | undefined> {
  const { cluster, environment, clusters, readSecret } = find;
  // hasOwn, because a cluster may be called `constructor`.
  if (clusters && Object.hasOwn(clusters, cluster)) {
    const where = `the clusters file, cluster ${quote(cluster)}`;
    return complete(await toConnection(sourced(clusters[cluster] ?? {}, where)), where);
  }
  if (cluster === 'default') {
    const own = sourced(environment, 'the environment');
    const secret = environment.ELASTICSEARCH_SECRET?.trim();
    if (!secret) return toConnection(own);
    const where = secretTitle(secret);
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
  // The connection settings in the environment are those of `default`, so they are not used for another cluster.
  const { secret, shared } = secretOf(cluster, environment);
  const title = `${secretTitle(secret)} (cluster ${quote(cluster)})`;
  const values = await secretValues(secret, title, readSecret, shared ? cluster : undefined);
  return complete(await toConnection(sourced(values, title)), title);
}

/** Prefix of the names of secrets that are SSM parameters. No secret of Secrets Manager can have such a name. */
export const parameterMark = 'ssm:';

/** How messages name a secret: `the secret "jobsweep/logs"`. */
export const secretTitle = (name: string): string =>
  name.startsWith(parameterMark)
    ? `the parameter ${quote(name.slice(parameterMark.length))}`
    : `the secret ${quote(name)}`;

/**
 * Returns the connection. Throws if there is none, because a secret or file for a cluster must contain the cluster's
 * address.
 */
function complete(connection: Connection | undefined, where: string): Connection {
  if (connection) return connection;
  throw new InvalidSettingError(
    `${where} contains no settings of a cluster: set ELASTICSEARCH_URL or ELASTICSEARCH_CLOUD_ID`,
  );
}

function secretOf(
  cluster: string,
  { ELASTICSEARCH_SECRET_PREFIX, ELASTICSEARCH_CLUSTERS_SECRET }: Environment,
): { readonly secret: string; readonly shared: boolean } {
  const prefix = ELASTICSEARCH_SECRET_PREFIX?.trim();
  const shared = ELASTICSEARCH_CLUSTERS_SECRET?.trim();
  if (prefix && shared)
    throw new InvalidSettingError(
      'ELASTICSEARCH_SECRET_PREFIX and ELASTICSEARCH_CLUSTERS_SECRET are both set: set one',
    );
  if (shared) return { secret: shared, shared: true };
  if (prefix) return { secret: `${prefix}${cluster}`, shared: false };
  throw new InvalidSettingError(
    `cluster: ${quote(cluster)} needs settings of its own: set ELASTICSEARCH_SECRET_PREFIX or ELASTICSEARCH_CLUSTERS_SECRET, or give the command a file with --clusters`,
  );
}

const addresses = ['ELASTICSEARCH_URL', 'ELASTICSEARCH_CLOUD_ID'] as const;
const authorities = ['ELASTICSEARCH_CA_CERT', 'ELASTICSEARCH_CA_FINGERPRINT'] as const;
const users = ['ELASTICSEARCH_USERNAME', 'ELASTICSEARCH_PASSWORD'] as const;

/**
 * Merges the settings of the environment (`own`) and a secret. The environment takes precedence, and the secret adds
 * the settings that are missing. Alternatives, such as a URL and a cloud id, are never taken from both.
 */
function merge(own: SourcedSettings, secret: SourcedSettings): SourcedSettings {
  const whole = (group: readonly ConnectionSetting[]) => {
    const source = group.some((name) => own[name]) ? own : secret;
    return Object.fromEntries(group.map((name) => [name, source[name]]));
  };
  return { ...whole(addresses), ...whole(authorities), ...mergeCredentials(own, secret) };
}

/**
 * The credentials from the environment or from the secret. User name and password may come from different sources,
 * unless they could then belong to different users.
 */
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

/** The settings in a secret, or the settings of one cluster in a secret that several clusters share. */
async function secretValues(
  name: string,
  where: string,
  readSecret: ReadSecret,
  cluster?: string,
): Promise<ConnectionValues> {
  let text: string;
  try {
    text = await readSecret(name);
  } catch (error) {
    if (error instanceof SecretUnreachableError) throw error;
    // A parser's message quotes its input, which may be the secret. For the same reason, the new error has no `cause`.
    const why = error instanceof SyntaxError || !(error instanceof Error) ? 'invalid answer' : error.message;
    throw new InvalidSettingError(
      `${where} cannot be read (${printable(why)}): check its name, and that the role or user that runs this may read it`,
    );
  }
  const known = 'keys such as ELASTICSEARCH_URL and ELASTICSEARCH_API_KEY';
  const parsed = parseJson(text);
  if (!isJsonObject(parsed))
    throw new InvalidSettingError(
      `${where} is not a JSON object: expected ${cluster === undefined ? known : 'a key for each cluster'}`,
    );
  if (cluster === undefined) return readConnectionValues(parsed, where);
  const own = Object.hasOwn(parsed, cluster) ? parsed[cluster] : undefined;
  if (own === undefined)
    throw new InvalidSettingError(
      `${where} has no key for the cluster; its keys are ${listed(Object.keys(parsed))}`,
    );
  if (!isJsonObject(own))
    throw new InvalidSettingError(`${where}: the cluster's value is not an object: expected ${known}`);
  return readConnectionValues(own, where);
}

/**
 * The parsed JSON of a secret; undefined if the text is not JSON. Does not throw, because a parser's error would quote
 * the text.
 */
function parseJson(text: string): unknown {
  try {
    // Some editors on Windows start a file with a byte order mark.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** The connection settings among `fields`. Ignores other keys, but refuses those that begin with "elasticsearch". */
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

/** Maximum number of names in a message: a file may list a thousand clusters. */
const maxNames = 20;
function listed(names: readonly string[]): string {
  const shown = names.slice(0, maxNames).map(printable).join(', ') || 'none';
  return names.length > maxNames ? `${shown} and ${names.length - maxNames} more` : shown;
}
