/** @module The settings that say which cluster, and what their texts mean. No message here holds a credential. */
import { X509Certificate } from 'node:crypto';
import { type Connection, parseCloudId } from './elasticsearch/connection.ts';
import { InvalidSettingError } from './sweep/errors.ts';
import { quote } from './sweep/text.ts';

/** In the environment, in a secret's JSON and in a clusters file: the same names everywhere. */
export const connectionSettings = {
  ELASTICSEARCH_URL: 'The address, as `https://host:9200`.',
  ELASTICSEARCH_CLOUD_ID: 'Instead of the address: the cloud id of a deployment.',
  ELASTICSEARCH_API_KEY: 'An API key, encoded or as `id:key`. It is used alone: a user beside it is not.',
  ELASTICSEARCH_USERNAME: 'Instead of the key: a user,',
  ELASTICSEARCH_PASSWORD: 'and the password.',
  ELASTICSEARCH_CA_CERT: 'The authority that signed the server’s certificate: PEM text, or a path to it.',
  ELASTICSEARCH_CA_FINGERPRINT: 'Instead of the certificate: its SHA-256 fingerprint.',
} as const;
export type ConnectionSetting = keyof typeof connectionSettings;
export type ConnectionValues = { readonly [name in ConnectionSetting]?: string | undefined };

export const settingNames = Object.keys(connectionSettings) as ConnectionSetting[];

/** A setting that is set, and where: an error must say which of several places to look at. */
export interface Sourced {
  readonly value: string;
  /** As `the environment` or `the secret "x"`. */
  readonly where: string;
}
export type SourcedSettings = { readonly [name in ConnectionSetting]?: Sourced | undefined };

/** What `values` sets. Blank is not set: a template whose parameter was left empty has not set it. */
export function sourced(values: ConnectionValues, where: string): SourcedSettings {
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = values[name];
      return value !== undefined && value.trim() !== '' ? [[name, { value, where }]] : [];
    }),
  );
}

/**
 * The connection that these settings describe; undefined when none of them is set.
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
    // who names an authority means the connection to be encrypted; going on would send the credentials as plain text
    const advice = 'needs an address that begins with https://, and ELASTICSEARCH_URL begins with http://';
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
    // not shown: what stands here by mistake could be a key
    if (parseCloudId(cloudId.value.trim()) === undefined)
      throw problem(
        cloudId,
        'ELASTICSEARCH_CLOUD_ID',
        "is not of the form name:base64, as the deployment's page shows it",
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
    throw problem(setting, name, `is no address: expected one as https://host:9200${got}`);
  }
  if (url.username || url.password)
    throw problem(
      setting,
      name,
      'holds credentials: set ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, instead',
    );
  if (url.search || url.hash)
    throw problem(
      setting,
      name,
      'has a query or a fragment (? or #): expected an address as https://host:9200/path',
    );
  return text;
}

/** Whether a text may be shown: it is like an address, and neither a key nor an address with a password in it. */
const looksLikeAddress = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]{0,15}:\/{1,2}[^\s@?#]*$/.test(text) || // htps://host:9200, https:/host, ftp://host
  /^[a-z0-9-]+(\.[a-z0-9-]+)*:\d{1,5}(\/[^\s@?#]*)?$/.test(text) || // localhost:9200
  /^[a-z0-9-]+(\.[a-z0-9-]+)+(\/[^\s@?#]*)?$/.test(text); // es.example.org

function readCredentials(settings: SourcedSettings): Connection['credentials'] {
  const {
    ELASTICSEARCH_API_KEY: key,
    ELASTICSEARCH_USERNAME: username,
    ELASTICSEARCH_PASSWORD: password,
  } = settings;
  if (key) {
    const text = key.value.trim();
    // id:key is what the create call returned in parts; the header wants it encoded
    const encoded = text.includes(':') ? Buffer.from(text).toString('base64') : text;
    if (!/^[\w+/=-]+$/.test(encoded))
      throw problem(key, 'ELASTICSEARCH_API_KEY', 'is neither an encoded key nor id:key');
    return { apiKey: encoded };
  }
  if (username && !password)
    throw problem(username, 'ELASTICSEARCH_USERNAME', 'is set without ELASTICSEARCH_PASSWORD');
  if (password && !username)
    throw problem(password, 'ELASTICSEARCH_PASSWORD', 'is set without ELASTICSEARCH_USERNAME');
  return username && password && { username: username.value, password: password.value };
}

/** PEM text, from the setting or from the file that it names; what templates do to line ends is put right. */
async function readCertificates(setting: Sourced): Promise<string> {
  const name = 'ELASTICSEARCH_CA_CERT';
  const text = setting.value.includes('-----BEGIN') ? setting.value : await readCertificateFile(setting);
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----/gs)];
  if (blocks.length === 0) throw problem(setting, name, 'holds no certificate in PEM form');
  return blocks
    .map(([, body = ''], index) => {
      try {
        return new X509Certificate(Buffer.from(body.replace(/\\n|\\r|\s/g, ''), 'base64')).toString();
      } catch {
        throw problem(setting, name, `holds a certificate that cannot be read (number ${index + 1})`);
      }
    })
    .join('');
}

async function readCertificateFile(setting: Sourced): Promise<string> {
  // loaded where it is used: few name a path, and it is a millisecond of each cold start
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(setting.value.trim(), 'utf8');
  } catch (error) {
    throw problem(
      setting,
      'ELASTICSEARCH_CA_CERT',
      `is no PEM text, and as a path it cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
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
