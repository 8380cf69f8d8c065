import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidSettingError } from '../../src/base/errors.ts';
import type { Connection } from '../../src/elasticsearch/connection.ts';
import type { ConnectionValues } from '../../src/settings/connection-settings.ts';
import type { Environment } from '../../src/settings/environment.ts';
import { findConnection, readConnectionValues } from '../../src/settings/find-connection.ts';
import { newFolder } from '../support/folder.ts';
import { certificate } from '../support/scripted-server.ts';
import { everythingShownOf } from '../support/secrets.ts';

const url = 'https://es.example.test:9200';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const cloudId = `staging:${base64('eu.example.test:9243$0a1b2c$kibana')}`;

interface Given {
  readonly environment?: Environment;
  /** Secrets by name, as JSON values or as text. */
  readonly secrets?: Readonly<Record<string, unknown>>;
  readonly clusters?: Readonly<Record<string, ConnectionValues>>;
  readonly cluster?: string;
}

/** Finds a connection, and records which secrets were read for it. */
async function find({ environment = {}, secrets = {}, clusters, cluster = 'default' }: Given) {
  const read: string[] = [];
  const connection = await findConnection({
    cluster,
    environment,
    clusters,
    readSecret: async (name) => {
      read.push(name);
      if (!(name in secrets)) throw new Error("can't find the specified secret");
      const value = secrets[name];
      return typeof value === 'string' ? value : JSON.stringify(value);
    },
  });
  return { connection, read };
}

const connectionOf = async (given: Given): Promise<Connection> => {
  const { connection } = await find(given);
  expect(connection).toBeDefined();
  return connection as Connection;
};

/** The message of the error. Checks that it is an InvalidSettingError and shows none of the texts in `hidden`. */
async function messageOf(given: Given, hidden: readonly string[] = []): Promise<string> {
  const error = await find(given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InvalidSettingError);
  expect(error).toMatchObject({ name: 'InvalidSettingError', exitCode: 2 });
  const shown = everythingShownOf(error);
  for (const text of hidden) expect(shown).not.toContain(text);
  return (error as Error).message;
}

describe('where a cluster’s settings come from', () => {
  it('without any settings there is no connection and no error, so the command can offer the embedded cluster', async () => {
    expect(await find({})).toEqual({ connection: undefined, read: [] });
    expect(await find({ environment: { ELASTICSEARCH_URL: ' ', ELASTICSEARCH_SECRET: '' } })).toEqual({
      connection: undefined,
      read: [],
    });
  });

  it('the settings of a cluster are read from the environment, and blank values count as missing', async () => {
    const environment = {
      ELASTICSEARCH_URL: ` ${url}\n`,
      ELASTICSEARCH_CLOUD_ID: '',
      ELASTICSEARCH_API_KEY: '  ',
      ELASTICSEARCH_USERNAME: 'sweeper',
      ELASTICSEARCH_PASSWORD: ' pass word ',
      ELASTICSEARCH_CA_CERT: '',
      ELASTICSEARCH_CA_FINGERPRINT: '\t',
      ELASTICSEARCH_SECRET: ' ',
    };
    expect(await connectionOf({ environment })).toEqual({
      address: { url },
      credentials: { username: 'sweeper', password: ' pass word ' },
    });
  });

  it('the settings of a cluster are read from a secret, whose other keys are ignored', async () => {
    const secrets = {
      'prod/es': {
        ELASTICSEARCH_CLOUD_ID: cloudId,
        ELASTICSEARCH_API_KEY: 'a:b',
        owner: 'team',
        ELASTICSEARCH_URL: null,
      },
    };
    const { connection, read } = await find({ environment: { ELASTICSEARCH_SECRET: ' prod/es ' }, secrets });
    expect(connection).toEqual({ address: { cloudId }, credentials: { apiKey: base64('a:b') } });
    expect(read).toEqual(['prod/es']);
  });

  it('a secret adds the settings that the environment lacks', async () => {
    const environment = { ELASTICSEARCH_URL: url, ELASTICSEARCH_API_KEY: '', ELASTICSEARCH_SECRET: 's' };
    expect(await connectionOf({ environment, secrets: { s: { ELASTICSEARCH_API_KEY: 'a:b' } } })).toEqual({
      address: { url },
      credentials: { apiKey: base64('a:b') },
    });
  });

  it('the address and the CA certificate are taken from the same source: either the secret or the environment', async () => {
    const environment = {
      ELASTICSEARCH_URL: url,
      ELASTICSEARCH_CA_FINGERPRINT: 'ab'.repeat(32),
      ELASTICSEARCH_SECRET: 's',
    };
    const s = { ELASTICSEARCH_CLOUD_ID: cloudId, ELASTICSEARCH_CA_CERT: certificate('authority') };
    expect(await connectionOf({ environment, secrets: { s } })).toEqual({
      address: { url },
      caFingerprint: Array.from({ length: 32 }, () => 'AB').join(':'),
    });
  });

  it('the settings of a cluster other than `default` are read only from its secret, whose name begins with the prefix', async () => {
    const environment = {
      ELASTICSEARCH_URL: 'https://default.example.test',
      ELASTICSEARCH_API_KEY: 'not:this',
      ELASTICSEARCH_SECRET: 'default-secret',
      ELASTICSEARCH_SECRET_PREFIX: 'jobsweep/',
    };
    const secrets = { 'jobsweep/staging': { ELASTICSEARCH_URL: url } };
    expect(await find({ cluster: 'staging', environment, secrets })).toEqual({
      connection: { address: { url } },
      read: ['jobsweep/staging'],
    });
  });

  it('if the clusters file contains a cluster, the cluster’s settings are read only from that file', async () => {
    const clusters = {
      staging: { ELASTICSEARCH_URL: url },
      default: { ELASTICSEARCH_URL: 'http://localhost:9200' },
    };
    const environment = {
      ELASTICSEARCH_API_KEY: 'a:b',
      ELASTICSEARCH_SECRET: 's',
      ELASTICSEARCH_SECRET_PREFIX: 'p',
    };
    expect(await find({ cluster: 'staging', clusters, environment })).toEqual({
      connection: { address: { url } },
      read: [],
    });
    expect(await connectionOf({ clusters, environment })).toEqual({
      address: { url: 'http://localhost:9200' },
    });
  });

  it('the settings of `default` are read from the environment if the clusters file does not contain that cluster', async () => {
    expect(await connectionOf({ clusters: {}, environment: { ELASTICSEARCH_URL: url } })).toEqual({
      address: { url },
    });
  });
});

describe('wrong settings', () => {
  const secret = { environment: { ELASTICSEARCH_SECRET: 's' } };

  it.each<[string, Given, RegExp]>([
    [
      'another cluster without a prefix',
      { cluster: 'staging' },
      /^cluster: "staging" needs .*ELASTICSEARCH_SECRET_PREFIX.*--clusters/,
    ],
    [
      'another cluster that the file does not have',
      {
        cluster: 'staging',
        clusters: { prod: {}, dev: {} },
        environment: { ELASTICSEARCH_SECRET_PREFIX: 'p/' },
      },
      /^the cluster "staging" is not in the clusters file, which has prod, dev$/,
    ],
    [
      'a cluster named like a property that every JavaScript object inherits',
      { cluster: 'constructor', clusters: {} },
      /^the cluster "constructor" is not in the clusters file, which has none$/,
    ],
    [
      'a cluster of the file that sets nothing',
      { clusters: { default: { ELASTICSEARCH_URL: '' } } },
      /^the clusters file, cluster "default" contains no settings of a cluster/,
    ],
    [
      'a secret that sets nothing',
      { ...secret, secrets: { s: { owner: 'team' } } },
      /^the secret "s" contains no settings of a cluster: set ELASTICSEARCH_URL/,
    ],
    [
      'another cluster whose secret sets nothing',
      {
        cluster: 'staging',
        environment: { ELASTICSEARCH_SECRET_PREFIX: 'p/' },
        secrets: { 'p/staging': {} },
      },
      /^the secret "p\/staging" \(cluster "staging"\) contains no settings/,
    ],
    [
      'a secret that does not exist',
      secret,
      /^the secret "s" cannot be read \(can't find the specified secret\)/,
    ],
    ['a secret that is a list', { ...secret, secrets: { s: [] } }, /^the secret "s" is not a JSON object/],
    [
      'a secret with a typo',
      { ...secret, secrets: { s: { ELASTICSEARCH_APIKEY: 'hidden-value' } } },
      /has the unknown key "ELASTICSEARCH_APIKEY"; the known keys are ELASTICSEARCH_URL,/,
    ],
    [
      'a secret with a number',
      { ...secret, secrets: { s: { ELASTICSEARCH_URL: url, ELASTICSEARCH_PASSWORD: 12345678 } } },
      /^the secret "s": ELASTICSEARCH_PASSWORD is not a string$/,
    ],
    [
      'credentials without an address',
      { environment: { ELASTICSEARCH_API_KEY: 'hidden-value' } },
      /^the environment: ELASTICSEARCH_API_KEY is set without an address: set ELASTICSEARCH_URL/,
    ],
    [
      'two addresses',
      { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_CLOUD_ID: cloudId } },
      /^the environment: ELASTICSEARCH_URL and ELASTICSEARCH_CLOUD_ID are both set/,
    ],
    [
      'two ways to trust',
      {
        environment: {
          ELASTICSEARCH_URL: url,
          ELASTICSEARCH_CA_CERT: certificate('authority'),
          ELASTICSEARCH_CA_FINGERPRINT: 'ab'.repeat(32),
        },
      },
      /ELASTICSEARCH_CA_CERT and ELASTICSEARCH_CA_FINGERPRINT are both set/,
    ],
    [
      'half a user',
      { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_PASSWORD: 'hidden-value' } },
      /^the environment: ELASTICSEARCH_PASSWORD is set without ELASTICSEARCH_USERNAME$/,
    ],
    [
      'the other half',
      { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_USERNAME: 'sweeper' } },
      /^the environment: ELASTICSEARCH_USERNAME is set without ELASTICSEARCH_PASSWORD$/,
    ],
    [
      'a key with blanks inside',
      { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_API_KEY: 'hidden-value abc' } },
      /ELASTICSEARCH_API_KEY is neither an encoded key nor id:key$/,
    ],
    [
      'a path that leads nowhere',
      { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_CA_CERT: '/no/such/ca.pem' } },
      /ELASTICSEARCH_CA_CERT is not PEM text, and as a path it cannot be read: ENOENT$/,
    ],
    [
      'a private key for a certificate',
      {
        environment: {
          ELASTICSEARCH_URL: url,
          ELASTICSEARCH_CA_CERT: '-----BEGIN PRIVATE KEY-----\nhidden-value\n-----END PRIVATE KEY-----',
        },
      },
      /ELASTICSEARCH_CA_CERT is a private key: set the certificate of the authority$/,
    ],
    [
      'a certificate that is cut short',
      {
        environment: {
          ELASTICSEARCH_URL: url,
          ELASTICSEARCH_CA_CERT: certificate('authority').replace(/\n[^\n]{40}/, '\n'),
        },
      },
      /ELASTICSEARCH_CA_CERT holds a certificate that cannot be read \(number 1\)$/,
    ],
    [
      'a fingerprint of another length',
      { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_CA_FINGERPRINT: 'ab'.repeat(20) } },
      /ELASTICSEARCH_CA_FINGERPRINT is not a SHA-256 fingerprint: expected 64/,
    ],
    [
      'a CA certificate for plain http',
      {
        environment: { ELASTICSEARCH_URL: 'http://es:9200', ELASTICSEARCH_CA_CERT: certificate('authority') },
      },
      /ELASTICSEARCH_CA_CERT needs an address that starts with https/,
    ],
    [
      'a fingerprint for plain http',
      { environment: { ELASTICSEARCH_URL: 'HTTP://es:9200', ELASTICSEARCH_CA_FINGERPRINT: 'ab'.repeat(32) } },
      /ELASTICSEARCH_CA_FINGERPRINT needs an address that starts with https/,
    ],
    [
      'a setting in the secret, with other settings in the environment',
      {
        environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_SECRET: 's' },
        secrets: { s: { ELASTICSEARCH_CA_FINGERPRINT: 'short' } },
      },
      /^the secret "s": ELASTICSEARCH_CA_FINGERPRINT is not/,
    ],
  ])(
    'the error for a wrong setting says where the setting is and how to fix it: %s',
    async (_what, given, message) => {
      expect(await messageOf(given, ['hidden-value', '12345678'])).toMatch(message);
    },
  );

  it.each(['{"ELASTICSEARCH_API_KEY": "hidden-value"', 'hidden-value', '"hidden-value"', '', 'null'])(
    'a secret that is not a JSON object is refused without quoting it: %j',
    async (s) => {
      expect(await messageOf({ ...secret, secrets: { s } }, ['hidden-value'])).toMatch(
        /^the secret "s" is not a JSON object: expected keys such as ELASTICSEARCH_URL/,
      );
    },
  );

  it('if the read of a secret fails with a parser’s error, the message does not quote that error', async () => {
    const found = findConnection({
      cluster: 'default',
      environment: { ELASTICSEARCH_SECRET: 's' },
      readSecret: async () => JSON.parse('{"SecretString": hidden-value}') as string,
    });
    await expect(found).rejects.toThrow(/^the secret "s" cannot be read \(invalid answer\)/);
    expect(everythingShownOf(await found.catch((error: unknown) => error))).not.toContain('hidden-va');
  });

  it.each([
    ['localhost:9200', '"localhost:9200"'],
    ['es.example.test', '"es.example.test"'],
    ['htps://es:9200', '"htps://es:9200"'],
    ['https:/es:99999', '"https:/es:99999"'],
    ['ftp://es:9200/path', '"ftp://es:9200/path"'],
    ['https://a:9200,https://b:9200', '"https://a:9200,https://b:9200"'],
  ])('an invalid address is refused and shown: %s', async (address, shown) => {
    expect(await messageOf({ environment: { ELASTICSEARCH_URL: address } })).toBe(
      `the environment: ELASTICSEARCH_URL is not an address: expected one such as https://host:9200, got ${shown}`,
    );
  });

  it.each([
    'https://elastic:hidden-value@es:9200',
    'https://hidden-value@es:9200',
    'https://elastic:hidden-value@es:999999',
    'ftp://elastic:hidden-value@es',
    'elastic:hidden-value@es:9200',
    'https://es:9200/?token=hidden-value',
    'https://es:9200/#hidden-value',
    'VuaCfGcBCdbkQm-e5aOx:hidden-value',
    'SGlkZGVuS2V5:hidden-value==',
    `${base64('id:hidden-value')}`,
    '{"key": "hidden-value"}',
  ])('an address that contains or is a credential is refused and not shown: %s', async (address) => {
    for (const name of ['ELASTICSEARCH_URL', 'ELASTICSEARCH_CLOUD_ID'])
      expect(
        await messageOf({ environment: { [name]: address } }, ['hidden-value', base64('id:hidden-value')]),
      ).toContain(name);
  });

  it.each([
    '',
    'name',
    'name:',
    `name:${base64('host')}`,
    `name:${base64('$id')}`,
    `name:${base64('host$')}`,
    `name:${base64('ho st$i d')}`,
    base64('host$id'),
  ])('an invalid cloud id is refused: %j', async (id) => {
    const given = { environment: { ELASTICSEARCH_CLOUD_ID: id, ELASTICSEARCH_USERNAME: 'x' } };
    expect(await messageOf(given)).toMatch(
      id === '' ? /without an address/ : /ELASTICSEARCH_CLOUD_ID does not have the form name:base64/,
    );
  });
});

describe('credentials as people paste them', () => {
  const key = { id: 'VuaCfGcBCdbkQm-e5aOx', name: 'sweep', api_key: 'ui2lp2axTNmsyakw9tvNnw' };
  const pair = `${key.id}:${key.api_key}`;
  const encoded = base64(pair);
  const hidden = [key.api_key, encoded];

  it.each([
    ['the encoded key', encoded],
    ['id:key', pair],
    ['the encoded key without its padding', encoded.replace(/=+$/, '')],
    ['the encoded key with a line break after it', `${encoded}\r\n`],
  ])('an API key is accepted in every format that users paste: %s', async (_what, text) => {
    const { credentials } = await connectionOf({
      environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_API_KEY: text },
    });
    expect(credentials).toEqual({ apiKey: text === pair ? encoded : text.trim() });
  });

  it('a key of Elastic Cloud is sent unchanged', async () => {
    const cloudKey = 'essu_VFdGTlEzbG5ZME0yTlRoaw==AAAAAJbwmzQ=';
    const environment = { ELASTICSEARCH_URL: url, ELASTICSEARCH_API_KEY: cloudKey };
    expect((await connectionOf({ environment })).credentials).toEqual({ apiKey: cloudKey });
  });

  it.each([
    [
      'base64 of id:key with a line break after it',
      base64(`${pair}\n`),
      /is the base64 of a key with a .*line break/,
    ],
    [
      'base64 of id:key with a line break within it',
      base64(pair.replace(':', ':\n')),
      /is the base64 of a key with/,
    ],
    [
      'base64 that is broken into lines',
      `${encoded.slice(0, 20)}\n${encoded.slice(20)}`,
      /has a line break in it/,
    ],
    ['id:key on two lines', pair.replace(':', ':\n'), /has a line break in it/],
    ['base64 of base64', base64(encoded), /is encoded twice: decode it once$/],
    ['base64 of base64 and a line break', base64(`${encoded}\n`), /is encoded twice: decode it once$/],
    [
      'the secret half without the id',
      key.api_key,
      /is only one part of a key: expected the field "encoded"/,
    ],
    ['the id alone', key.id, /is only one part of a key/],
    [
      'the whole answer of the create call',
      JSON.stringify({ ...key, encoded }),
      /is the whole response of the create call/,
    ],
    [
      'the whole answer of the create call on several lines',
      JSON.stringify({ ...key, encoded }, null, 2),
      /is the whole response of the create call/,
    ],
    ['a key in quotation marks', `"${encoded}"`, /is in quotation marks/],
    ['the value of an Authorization header', `ApiKey ${encoded}`, /starts like an Authorization header/],
    [
      'a whole Authorization header',
      `Authorization: ApiKey ${encoded}`,
      /starts like an Authorization header/,
    ],
  ])(
    'an API key pasted as %s is refused, and the error says what is wrong with it',
    async (_what, text, message) => {
      const given = { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_API_KEY: text } };
      expect(await messageOf(given, hidden)).toMatch(message);
    },
  );

  it.each([
    [
      { ELASTICSEARCH_USERNAME: 'sweeper', ELASTICSEARCH_PASSWORD: 'hidden-value\n' },
      /PASSWORD ends with a line break/,
    ],
    [
      { ELASTICSEARCH_USERNAME: 'sweeper\r\n', ELASTICSEARCH_PASSWORD: 'hidden-value' },
      /USERNAME ends with a line break/,
    ],
    [
      { ELASTICSEARCH_USERNAME: 'sweeper', ELASTICSEARCH_PASSWORD: 'hidden\0value' },
      /PASSWORD contains a control character/,
    ],
    [
      { ELASTICSEARCH_USERNAME: 'swee:per', ELASTICSEARCH_PASSWORD: 'hidden-value' },
      /USERNAME contains a colon/,
    ],
  ])(
    'pasted credentials with a line break, control character or colon are refused: %j',
    async (credentials, message) => {
      const secrets = { s: { ELASTICSEARCH_URL: url, ...credentials } };
      for (const given of [
        { environment: { ELASTICSEARCH_URL: url, ...credentials } },
        { environment: { ELASTICSEARCH_SECRET: 's' }, secrets },
      ])
        expect(await messageOf(given, ['hidden-value', 'hidden\0value'])).toMatch(message);
    },
  );
});

describe('a CA certificate in an unexpected form', () => {
  const pem = certificate('authority');
  const der = new X509Certificate(pem).raw;

  it.each([
    ['base64 of the PEM file', base64(pem), /is the base64 of a PEM file: decode it once$/],
    [
      'the PEM text without its first and last line',
      der.toString('base64'),
      /without its first and last line/,
    ],
  ])(
    'a CA certificate pasted as %s is refused, and the error says what is wrong with it',
    async (_what, text, message) => {
      const given = { environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_CA_CERT: text } };
      expect(await messageOf(given)).toMatch(message);
    },
  );

  it.each([
    ['DER', der, /is a certificate in DER form/],
    ['base64 of the PEM file', Buffer.from(base64(pem)), /is the base64 of a PEM file/],
    ['nothing', Buffer.from(''), /contains no certificate in PEM form/],
  ])(
    'a file for ELASTICSEARCH_CA_CERT that contains %s is refused, and the error says what is wrong with it',
    async (_what, bytes, message) => {
      await using folder = await newFolder();
      const path = await folder.write('ca', bytes);
      expect(
        await messageOf({ environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_CA_CERT: path } }),
      ).toMatch(message);
    },
  );

  it('a CA certificate is read from a file in UTF-16', async () => {
    await using folder = await newFolder();
    const path = await folder.write('ca.pem', Buffer.from(`\uFEFF${pem}`, 'utf16le'));
    const { ca } = await connectionOf({
      environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_CA_CERT: path },
    });
    expect(ca).toContain('BEGIN CERTIFICATE');
  });
});

describe('credentials from two sources', () => {
  const parts = ['ELASTICSEARCH_API_KEY', 'ELASTICSEARCH_USERNAME', 'ELASTICSEARCH_PASSWORD'] as const;
  type Part = (typeof parts)[number];
  const value = (part: Part, place: string) =>
    part === 'ELASTICSEARCH_API_KEY' ? `${place}:key` : `${part}-${place}`;
  const subsets = Array.from({ length: 8 }, (_, bits) => parts.filter((_part, index) => bits & (1 << index)));
  const setting = (chosen: readonly Part[], place: string) =>
    Object.fromEntries(chosen.map((part) => [part, value(part, place)]));

  /**
   * The rules of the contract, implemented a second time. The environment takes precedence over the secret, and within
   * each place a key takes precedence over a user. A user's name and password may come from different places only if
   * each place has just one of the two; otherwise the result is an error.
   */
  function expected(own: readonly Part[], secret: readonly Part[]): Connection['credentials'] | 'error' {
    const key = (place: string) => ({ apiKey: base64(`${place}:key`) });
    const [K, U, P] = parts;
    if (own.includes(K)) return key('env');
    if (own.includes(U) && own.includes(P)) return { username: value(U, 'env'), password: value(P, 'env') };
    if (own.includes(U))
      return secret.includes(P) && !secret.includes(U)
        ? { username: value(U, 'env'), password: value(P, 'secret') }
        : 'error';
    if (own.includes(P))
      return secret.includes(U) && !secret.includes(P)
        ? { username: value(U, 'secret'), password: value(P, 'env') }
        : 'error';
    if (secret.includes(K)) return key('secret');
    if (secret.includes(U) && secret.includes(P))
      return { username: value(U, 'secret'), password: value(P, 'secret') };
    return secret.includes(U) || secret.includes(P) ? 'error' : undefined;
  }

  const cases = subsets.flatMap((own) =>
    subsets.map(
      (secret) => [own.join(' ') || 'nothing', secret.join(' ') || 'nothing', own, secret] as const,
    ),
  );

  it.each(cases)(
    'if the environment sets %s and the secret sets %s, the resulting credentials or error follow docs/contract.md',
    async (_own, _secret, own, secret) => {
      const given = {
        environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_SECRET: 's', ...setting(own, 'env') },
        secrets: { s: { owner: 'team', ...setting(secret, 'secret') } },
      };
      const wanted = expected(own, secret);
      if (wanted === 'error') {
        const values = [
          ...own.map((part) => value(part, 'env')),
          ...secret.map((part) => value(part, 'secret')),
        ];
        expect(await messageOf(given, values)).toMatch(/ELASTICSEARCH_(USERNAME|PASSWORD)/);
      } else expect((await connectionOf(given)).credentials).toEqual(wanted);
    },
  );

  it('the user may come from the environment and the password from the secret if the secret names no other user', async () => {
    const given = {
      environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_SECRET: 's', ELASTICSEARCH_USERNAME: 'sweeper' },
      secrets: { s: { ELASTICSEARCH_USERNAME: 'sweeper', ELASTICSEARCH_PASSWORD: 'p' } },
    };
    expect((await connectionOf(given)).credentials).toEqual({ username: 'sweeper', password: 'p' });
  });
});

describe('the CA certificate', () => {
  const pem = certificate('authority');
  const same = (text: string) =>
    new X509Certificate(text).fingerprint256 === new X509Certificate(pem).fingerprint256;

  it.each([
    ['as it is', pem],
    ['with CRLF', pem.replaceAll('\n', '\r\n')],
    ['with `\\n` as two characters instead of a line break', pem.replaceAll('\n', '\\n')],
    ['on one line', pem.replaceAll('\n', ' ')],
    ['with words before it', `# our authority\n${pem}`],
  ])('ELASTICSEARCH_CA_CERT accepts PEM text that is pasted %s', async (_how, text) => {
    const { ca } = await connectionOf({
      environment: { ELASTICSEARCH_URL: url, ELASTICSEARCH_CA_CERT: text },
    });
    expect(same(ca ?? '')).toBe(true);
  });

  it('ELASTICSEARCH_CA_CERT may contain several certificates', async () => {
    const environment = {
      ELASTICSEARCH_URL: url,
      ELASTICSEARCH_CA_CERT: `${certificate('other-authority')}\n${pem}`,
    };
    const { ca } = await connectionOf({ environment });
    expect(ca?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });
});

describe('random settings', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '',
      ' ',
      url,
      cloudId,
      'http://es:9200',
      'a:b',
      base64('id:key'),
      'ab'.repeat(32),
      certificate('authority'),
    ),
  );
  const names = [
    'ELASTICSEARCH_URL',
    'ELASTICSEARCH_CLOUD_ID',
    'ELASTICSEARCH_API_KEY',
    'ELASTICSEARCH_USERNAME',
    'ELASTICSEARCH_PASSWORD',
    'ELASTICSEARCH_CA_CERT',
    'ELASTICSEARCH_CA_FINGERPRINT',
  ];
  const values = fc.dictionary(fc.constantFrom(...names), text);

  it('random settings lead to a connection, to no connection, or to an error that shows no credentials', async () => {
    await fc.assert(
      fc.asyncProperty(values, values, fc.boolean(), async (environment, secret, named) => {
        const given = {
          environment: { ...environment, ...(named && { ELASTICSEARCH_SECRET: 's' }) },
          secrets: { s: secret },
        };
        const error = await find(given).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error === undefined) return;
        expect(error).toBeInstanceOf(InvalidSettingError);
        const { message } = error as Error;
        expect(message).toMatch(/ELASTICSEARCH_|the secret/);
        for (const place of [environment, secret]) {
          for (const name of ['ELASTICSEARCH_API_KEY', 'ELASTICSEARCH_PASSWORD']) {
            const credential = place[name] ?? '';
            // shorter credentials may occur in any sentence by chance
            if (credential.length > 12) expect(message).not.toContain(credential);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('random JSON is read as settings, or refused with the name of the wrong setting', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...names)), fc.jsonValue()),
        (fields) => {
          try {
            expect(
              Object.keys(readConnectionValues(fields, 'here')).every((name) => names.includes(name)),
            ).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidSettingError);
            expect((error as Error).message).toMatch(/^here/);
          }
        },
      ),
    );
  });
});
