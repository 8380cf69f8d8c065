/** @module Finds clusters by their secrets: those in Secrets Manager whose names match a pattern. */
import { InvalidSettingError } from '../base/errors.ts';
import { printable, quote } from '../base/text.ts';
import { awsAgents } from '../base/way-out.ts';
import { wayToAws } from '../base/way-to-aws.ts';
import type { Environment } from './environment.ts';

export interface SecretPattern {
  /** The beginning of the secrets' names, followed by a `*`. */
  readonly secrets: string;
  readonly except: readonly string[];
}

/**
 * The names of the clusters whose secrets match the pattern, in alphabetical order. A cluster's name is the part of the
 * secret's name after the prefix. The prefix is ELASTICSEARCH_SECRET_PREFIX if that is set, otherwise the pattern up to
 * its last slash, or up to its `*` if it has no slash.
 * @throws {InvalidSettingError} if the secrets cannot be listed, or the pattern and the prefix contradict each other.
 */
export async function clustersOfSecrets(
  { secrets: pattern, except }: SecretPattern,
  environment: Environment,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const start = pattern.slice(0, -1);
  const prefix =
    environment.ELASTICSEARCH_SECRET_PREFIX?.trim() || start.slice(0, start.lastIndexOf('/') + 1) || start;
  if (!start.startsWith(prefix))
    throw new InvalidSettingError(
      `clusters: the pattern ${quote(pattern)} does not begin with ELASTICSEARCH_SECRET_PREFIX, ${quote(prefix)}: the function would look for other secrets`,
    );
  const names = await secretNames(start, environment, signal);
  return names
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(prefix.length))
    .filter((cluster) => !except.includes(cluster))
    .toSorted();
}

/** The names of all secrets that begin with `start`, from all pages. The AWS client retries if it is throttled. */
async function secretNames(
  start: string,
  environment: Environment,
  abortSignal: AbortSignal,
): Promise<readonly string[]> {
  const { SecretsManagerClient, paginateListSecrets } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({ requestHandler: awsAgents(environment) });
  try {
    const names: string[] = [];
    const pages = paginateListSecrets(
      { client, pageSize: 100 },
      { Filters: [{ Key: 'name', Values: [start] }] },
      { abortSignal },
    );
    for await (const { SecretList = [] } of pages) names.push(...SecretList.map(({ Name = '' }) => Name));
    return names;
  } catch (error) {
    const why = printable(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    const way = wayToAws('secretsmanager', environment, await client.config.region());
    throw new InvalidSettingError(
      `clusters: the secrets ${quote(`${start}*`)} cannot be listed (${why}): check your credentials, which need secretsmanager:ListSecrets, or list the clusters in the file. ${way.adviceOn(why)}`,
    );
  } finally {
    client.destroy();
  }
}
