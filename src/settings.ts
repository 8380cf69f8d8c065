/** @module Environment and secrets into validated settings (contract §4). Nothing here is ever logged. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { Connection } from './elasticsearch/connection.ts';
import { InvalidSettingError } from './sweep/errors.ts';
import { quote } from './sweep/text.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns a secret's text by its name; rejects with what the service says when it cannot. */
export type ReadSecret = (name: string) => Promise<string>;

/** The settings that say which cluster; a secret's JSON and a clusters file use the same names as keys. */
export const connectionSettings = {
  ELASTICSEARCH_URL: 'The address, as `https://host:9200`.',
  ELASTICSEARCH_CLOUD_ID: 'Instead of the address: the cloud id of a deployment.',
  ELASTICSEARCH_API_KEY: 'An API key, encoded or as `id:key`.',
  ELASTICSEARCH_USERNAME: 'Instead of the key: a user,',
  ELASTICSEARCH_PASSWORD: 'and the password.',
  ELASTICSEARCH_CA_CERT: 'The authority that signed the server’s certificate: PEM text, or a path to it.',
  ELASTICSEARCH_CA_FINGERPRINT: 'Instead of the certificate: its SHA-256 fingerprint.',
} as const;
export type ConnectionSetting = keyof typeof connectionSettings;
export type ConnectionValues = { readonly [name in ConnectionSetting]?: string | undefined };

export const otherSettings = {
  ELASTICSEARCH_SECRET:
    'The name of a secret whose JSON holds the settings above; it fills what the environment does not set.',
  ELASTICSEARCH_SECRET_PREFIX:
    'For a cluster other than `default`: the secret’s name is this and the cluster’s name.',
  JOBSWEEP_SCHEDULE_GROUP: 'The schedule group that follow-ups and recurring schedules live in.',
  JOBSWEEP_SCHEDULER_ROLE_ARN: 'The role that EventBridge Scheduler takes to invoke the function.',
  JOBSWEEP_FUNCTION_ARN: 'The function that schedules invoke.',
  JOBSWEEP_DLQ_ARN: 'The queue for deliveries that failed for good.',
} as const;

const names = Object.keys(connectionSettings) as ConnectionSetting[];

/** Set and not empty: a template that leaves a parameter blank has not set it. */
const set = (value: string | undefined): value is string => value !== undefined && value.trim() !== '';

export interface FindConnection {
  readonly cluster: string;
  readonly environment: Environment;
  readonly readSecret: ReadSecret;
  /** Clusters by name, from a file (`--clusters`); wins over environment and secrets. */
  readonly clusters?: Readonly<Record<string, ConnectionValues>> | undefined;
}

/**
 * The connection of a cluster by name; undefined when nothing at all is set for it.
 * @throws {InvalidSettingError} naming the setting that is wrong, never its value where that is a credential.
 */
export async function findConnection(find: FindConnection): Promise<Connection | undefined> {
  const { cluster, environment, clusters } = find;
  const listed = clusters?.[cluster];
  if (clusters && !listed && cluster !== 'default') {
    throw new InvalidSettingError(
      `the cluster ${quote(cluster)} is not in the clusters file, which has ${Object.keys(clusters).join(', ') || 'none'}`,
    );
  }
  if (listed) return toConnection(listed, `the cluster ${quote(cluster)}`);
  const ofDefault = cluster === 'default';
  const secret = ofDefault ? environment.ELASTICSEARCH_SECRET : secretOf(cluster, environment);
  // A named cluster takes nothing from the environment: its address there would be another cluster's.
  const own: ConnectionValues = ofDefault
    ? Object.fromEntries(names.map((name) => [name, environment[name]]))
    : {};
  const fromSecret = set(secret) ? await secretValues(secret, find.readSecret) : {};
  return toConnection(merge(own, fromSecret), ofDefault ? 'the environment' : `the secret ${quote(secret)}`);
}

function secretOf(cluster: string, environment: Environment): string {
  const prefix = environment.ELASTICSEARCH_SECRET_PREFIX;
  if (set(prefix)) return `${prefix}${cluster}`;
  throw new InvalidSettingError(
    `cluster: ${quote(cluster)} needs settings of its own: set ELASTICSEARCH_SECRET_PREFIX, or give the command a file with --clusters`,
  );
}

/** What is set wins; but address and credentials each come whole from one place, never half from each. */
function merge(own: ConnectionValues, secret: ConnectionValues): ConnectionValues {
  const groups: readonly (readonly ConnectionSetting[])[] = [
    ['ELASTICSEARCH_URL', 'ELASTICSEARCH_CLOUD_ID'],
    ['ELASTICSEARCH_CA_CERT', 'ELASTICSEARCH_CA_FINGERPRINT'],
  ];
  const merged: { [name in ConnectionSetting]?: string | undefined } = {};
  for (const group of groups) {
    const source = group.some((name) => set(own[name])) ? own : secret;
    for (const name of group) merged[name] = source[name];
  }
  const userSet = set(own.ELASTICSEARCH_USERNAME) || set(own.ELASTICSEARCH_PASSWORD);
  if (set(own.ELASTICSEARCH_API_KEY)) merged.ELASTICSEARCH_API_KEY = own.ELASTICSEARCH_API_KEY;
  else if (!userSet) merged.ELASTICSEARCH_API_KEY = secret.ELASTICSEARCH_API_KEY;
  if (!set(merged.ELASTICSEARCH_API_KEY)) {
    for (const name of ['ELASTICSEARCH_USERNAME', 'ELASTICSEARCH_PASSWORD'] as const)
      merged[name] = set(own[name]) ? own[name] : secret[name];
  }
  return merged;
}

const secretSchema = z.record(z.string(), z.unknown());

async function secretValues(name: string, readSecret: ReadSecret): Promise<ConnectionValues> {
  let text: string;
  try {
    text = await readSecret(name);
  } catch (error) {
    throw new InvalidSettingError(
      `the secret ${quote(name)} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // the parser's own message would quote the secret
    throw new InvalidSettingError(
      `the secret ${quote(name)} is not JSON: expected an object with keys such as ELASTICSEARCH_URL and ELASTICSEARCH_API_KEY`,
    );
  }
  const result = secretSchema.safeParse(parsed);
  if (!result.success) throw new InvalidSettingError(`the secret ${quote(name)} is not a JSON object`);
  return readConnectionValues(result.data, `the secret ${quote(name)}`);
}

/** The connection settings among `fields`. Other keys are somebody else's, unless they look like a typo of ours. */
export function readConnectionValues(
  fields: Readonly<Record<string, unknown>>,
  where: string,
): ConnectionValues {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!names.some((known) => known === name)) {
      if (!/^elasticsearch/i.test(name)) continue;
      throw new InvalidSettingError(
        `${where} has the key ${quote(name)}, which is no setting; it may have ${names.join(', ')}`,
      );
    }
    if (typeof value !== 'string') throw new InvalidSettingError(`${where}: ${name} is not a string`);
    values[name] = value;
  }
  return values;
}

async function toConnection(values: ConnectionValues, where: string): Promise<Connection | undefined> {
  const address = readAddress(values, where);
  if (!address) {
    const stray = names.find((name) => set(values[name]));
    if (stray)
      throw new InvalidSettingError(
        `${where} sets ${stray} and no address: set ELASTICSEARCH_URL or ELASTICSEARCH_CLOUD_ID`,
      );
    return undefined;
  }
  const fingerprint = values.ELASTICSEARCH_CA_FINGERPRINT;
  return {
    address,
    credentials: readCredentials(values, where),
    ca: set(values.ELASTICSEARCH_CA_CERT)
      ? await readCertificate(values.ELASTICSEARCH_CA_CERT, where)
      : undefined,
    caFingerprint: set(fingerprint) ? readFingerprint(fingerprint, where) : undefined,
  };
}

function readAddress(
  { ELASTICSEARCH_URL: url, ELASTICSEARCH_CLOUD_ID: cloudId }: ConnectionValues,
  where: string,
): Connection['address'] | undefined {
  if (set(url) && set(cloudId))
    throw new InvalidSettingError(`${where} sets both ELASTICSEARCH_URL and ELASTICSEARCH_CLOUD_ID: set one`);
  if (set(cloudId)) {
    const host = Buffer.from(cloudId.trim().split(':')[1] ?? '', 'base64').toString();
    if (!/^[^$]+\$[^$]+/.test(host))
      throw new InvalidSettingError(
        `ELASTICSEARCH_CLOUD_ID: expected name:base64 as the deployment's page shows it, got ${quote(cloudId)}`,
      );
    return { cloudId: cloudId.trim() };
  }
  if (!set(url)) return undefined;
  const parsed = URL.canParse(url.trim()) ? new URL(url.trim()) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new InvalidSettingError(
      `ELASTICSEARCH_URL: expected an address as https://host:9200, got ${parsed?.password ? 'an address with another scheme' : quote(url)}`,
    );
  }
  if (parsed.username || parsed.password) {
    throw new InvalidSettingError(
      'ELASTICSEARCH_URL holds credentials: set ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, instead',
    );
  }
  return { url: url.trim() };
}

function readCredentials(values: ConnectionValues, where: string): Connection['credentials'] {
  const {
    ELASTICSEARCH_API_KEY: key,
    ELASTICSEARCH_USERNAME: username,
    ELASTICSEARCH_PASSWORD: password,
  } = values;
  if (set(key)) {
    // id:key is what the create call returned in parts; the header wants it encoded
    const encoded = key.trim().includes(':') ? Buffer.from(key.trim()).toString('base64') : key.trim();
    if (!/^[\w+/=-]+$/.test(encoded))
      throw new InvalidSettingError(`${where}: ELASTICSEARCH_API_KEY is neither an encoded key nor id:key`);
    return { apiKey: encoded };
  }
  if (set(username) !== set(password)) {
    throw new InvalidSettingError(
      `${where} sets only one of ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD`,
    );
  }
  return set(username) && set(password) ? { username, password } : undefined;
}

async function readCertificate(value: string, where: string): Promise<string> {
  const pem = value.includes('-----BEGIN')
    ? value
    : await readFile(value.trim(), 'utf8').catch((error: unknown) => {
        throw new InvalidSettingError(
          `${where}: ELASTICSEARCH_CA_CERT is no PEM text, and the file cannot be read: ${(error as NodeJS.ErrnoException).code}`,
        );
      });
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new InvalidSettingError(`${where}: ELASTICSEARCH_CA_CERT holds no certificate in PEM form`);
  return pem;
}

function readFingerprint(value: string, where: string): string {
  const hex = value.trim().replaceAll(':', '').toUpperCase();
  if (!/^[0-9A-F]{64}$/.test(hex))
    throw new InvalidSettingError(
      `${where}: ELASTICSEARCH_CA_FINGERPRINT is not a SHA-256 fingerprint (64 hexadecimal digits)`,
    );
  return hex.replace(/(..)(?!$)/g, '$1:');
}
