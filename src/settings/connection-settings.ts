/** @module Validates the settings of a connection to a cluster. No message here contains a credential. */
import { InvalidSettingError } from '../base/errors.ts';
import { quote } from '../base/text.ts';
import { type Connection, parseCloudId } from '../elasticsearch/connection.ts';
import { readApiKey } from './api-key.ts';
import { type ConnectionSetting, settingNames } from './environment.ts';

export type ConnectionValues = { readonly [name in ConnectionSetting]?: string | undefined };

/** The value of a setting and its source, because an error must say where to fix the value. */
export interface Sourced {
  readonly value: string;
  /** For example `the environment` or `the secret "x"`. */
  readonly where: string;
}
export type SourcedSettings = { readonly [name in ConnectionSetting]?: Sourced | undefined };

/**
 * The settings in `values`, with their source. A blank value counts as not set, because a template may have an empty
 * parameter.
 */
export function sourced(values: ConnectionValues, where: string): SourcedSettings {
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = values[name];
      return value !== undefined && value.trim() !== '' ? [[name, { value, where }]] : [];
    }),
  );
}

/**
 * The connection that these settings describe; undefined if none of them is set.
 * @throws {InvalidSettingError}
 */
export async function toConnection(settings: SourcedSettings): Promise<Connection | undefined> {
  const address = readAddress(settings);
  if (!address) {
    for (const name of settingNames) {
      const stray = settings[name];
      if (stray)
        throw problem(
          stray,
          name,
          'is set without an address: set ELASTICSEARCH_URL or ELASTICSEARCH_CLOUD_ID',
        );
    }
    return undefined;
  }
  const { ELASTICSEARCH_CA_CERT: ca, ELASTICSEARCH_CA_FINGERPRINT: fingerprint } = settings;
  if (ca && fingerprint)
    throw problem(ca, 'ELASTICSEARCH_CA_CERT', 'and ELASTICSEARCH_CA_FINGERPRINT are both set: set one');
  if ('url' in address && new URL(address.url).protocol === 'http:') {
    // A configured certificate authority means that encryption is wanted. With http, the credentials would be sent as
    // plain text.
    const advice = 'needs an address that starts with https://, but ELASTICSEARCH_URL starts with http://';
    if (ca) throw problem(ca, 'ELASTICSEARCH_CA_CERT', advice);
    if (fingerprint) throw problem(fingerprint, 'ELASTICSEARCH_CA_FINGERPRINT', advice);
  }
  return {
    address,
    credentials: readCredentials(settings),
    ca: ca && (await readCertificates(ca)),
    caFingerprint: fingerprint && readFingerprint(fingerprint),
  };
}

function readAddress(settings: SourcedSettings): Connection['address'] | undefined {
  const { ELASTICSEARCH_URL: url, ELASTICSEARCH_CLOUD_ID: cloudId } = settings;
  if (url && cloudId)
    throw problem(url, 'ELASTICSEARCH_URL', 'and ELASTICSEARCH_CLOUD_ID are both set: set one');
  if (cloudId) {
    // The value is not shown, because it could be a key that was set as the cloud id by mistake.
    if (parseCloudId(cloudId.value.trim()) === undefined)
      throw problem(
        cloudId,
        'ELASTICSEARCH_CLOUD_ID',
        "does not have the form name:base64 that the deployment's page shows",
      );
    return { cloudId: cloudId.value.trim() };
  }
  return url && { url: readUrl(url) };
}

function readUrl(setting: Sourced): string {
  const text = setting.value.trim();
  const name = 'ELASTICSEARCH_URL';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    // break: address-in-message
    const got = looksLikeAddress(text) ? `, got ${quote(text)}` : '';
    throw problem(setting, name, `is not an address: expected one such as https://host:9200${got}`);
  }
  if (url.username || url.password)
    throw problem(
      setting,
      name,
      'contains credentials: set ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, instead',
    );
  if (url.search || url.hash)
    throw problem(
      setting,
      name,
      'has a query or a fragment (? or #): expected an address such as https://host:9200/path',
    );
  return text;
}

/**
 * Whether a text may be shown: it resembles an address, and can be neither a key nor an address with a password. The
 * patterns match, for example, `htps://host:9200` or `https:/host`, `localhost:9200`, and `es.example.org`.
 */
const looksLikeAddress = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]{0,15}:\/{1,2}[^\s@?#]*$/.test(text) ||
  /^[a-z0-9-]+(\.[a-z0-9-]+)*:\d{1,5}(\/[^\s@?#]*)?$/.test(text) ||
  /^[a-z0-9-]+(\.[a-z0-9-]+)+(\/[^\s@?#]*)?$/.test(text);

function readCredentials(settings: SourcedSettings): Connection['credentials'] {
  const {
    ELASTICSEARCH_API_KEY: key,
    ELASTICSEARCH_USERNAME: username,
    ELASTICSEARCH_PASSWORD: password,
  } = settings;
  if (key) {
    const read = readApiKey(key.value);
    if ('problem' in read) throw problem(key, 'ELASTICSEARCH_API_KEY', read.problem);
    return { apiKey: read.encoded };
  }
  if (username && !password)
    throw problem(username, 'ELASTICSEARCH_USERNAME', 'is set without ELASTICSEARCH_PASSWORD');
  if (password && !username)
    throw problem(password, 'ELASTICSEARCH_PASSWORD', 'is set without ELASTICSEARCH_USERNAME');
  if (!username || !password) return undefined;
  for (const [name, setting] of [
    ['ELASTICSEARCH_USERNAME', username],
    ['ELASTICSEARCH_PASSWORD', password],
  ] as const) {
    // Files and secrets often end with a line break. If it were sent, the cluster would only answer that the password
    // is wrong.
    if (/[\r\n]$/.test(setting.value)) throw problem(setting, name, 'ends with a line break: remove it');
    if (/\p{Cc}/u.test(setting.value))
      throw problem(setting, name, 'contains a control character: remove it');
  }
  // In basic authentication, the user name ends at the first colon.
  if (username.value.includes(':'))
    throw problem(
      username,
      'ELASTICSEARCH_USERNAME',
      'contains a colon: set the password in ELASTICSEARCH_PASSWORD',
    );
  return { username: username.value, password: password.value };
}

async function readCertificates(setting: Sourced): Promise<string> {
  // Loaded on demand: few clusters have a certificate authority of their own.
  const { readCertificateText } = await import('./certificates.ts');
  const read = await readCertificateText(setting.value);
  if ('problem' in read) throw problem(setting, 'ELASTICSEARCH_CA_CERT', read.problem);
  return read.pem;
}

function readFingerprint(setting: Sourced): string {
  const hex = setting.value.trim().replaceAll(':', '').toUpperCase();
  if (!/^[0-9A-F]{64}$/.test(hex))
    throw problem(
      setting,
      'ELASTICSEARCH_CA_FINGERPRINT',
      'is not a SHA-256 fingerprint: expected 64 hexadecimal digits, with or without colons',
    );
  return hex.replace(/(..)(?!$)/g, '$1:');
}

const problem = ({ where }: Sourced, name: ConnectionSetting, what: string): InvalidSettingError =>
  new InvalidSettingError(`${where}: ${name} ${what}`);
