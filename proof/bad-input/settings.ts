/**
 * @module The property that must hold for any environment variables of the command, including the mistakes that shells,
 * templates and careless copying cause.
 */
import * as fc from 'fast-check';
import { endedBadly } from './command.ts';
import { hostileTexts } from './hostile-samples.ts';
import { badInput } from './property.ts';
import {
  authorizations,
  encoded,
  openTwoClusters,
  secrets,
  shownSecrets,
  type TwoClusters,
} from './two-clusters.ts';

/** Mistakes in a value that shells, templates and careless copying cause. */
const slips = {
  none: (value) => value,
  blanks: (value) => ` ${value}\t`,
  line_end: (value) => `${value}\r\n`,
  quotes: (value) => `"${value}"`,
  empty: () => '',
  blank: () => ' \t',
  bom: (value) => `\ufeff${value}`,
  nul: (value) => `${value}\0`,
  escape: (value) => `\u001b[31m${value}\u001b[0m`,
  cut: (value) => value.slice(0, 6),
  twice: (value) => `${value},${value}`,
  doubled: (value) => value + value,
  unicode: (value) => value.replaceAll('1', '１'),
  capitals: (value) => value.toUpperCase(),
  variable: () => ['$', '{ELASTICSEARCH_URL}'].join(''),
  path: (value) => `${value}/a%2Fb/../c/`,
  query: (value) => `${value}?token=${secrets.password}`,
  user: (value) => value.replace('//', `//sweeper:${secrets.password}@`),
  scheme: (value) => value.replace(/^http:/, 'htps:'),
  no_scheme: (value) => value.replace(/^http:\/\//, ''),
  backslashes: (value) => value.replaceAll('/', '\\'),
  port: (value) => value.replace(/:\d+$/, ':99999'),
  long: (value) => value + 'x'.repeat(50_000),
  another_secret: () => `ApiKey ${encoded.key}`,
} as const satisfies Record<string, (value: string) => string>;
type Slip = keyof typeof slips;

/** Possible values by variable. `URL` is replaced with the cluster's URL at run time. */
const values = {
  ELASTICSEARCH_URL: ['URL', 'http://127.0.0.1:1', 'https://127.0.0.1:1'],
  ELASTICSEARCH_CLOUD_ID: [
    `x:${Buffer.from('127.0.0.1:1$127').toString('base64')}`,
    'no-cloud-id',
    secrets.key,
  ],
  ELASTICSEARCH_API_KEY: [secrets.key, encoded.key],
  ELASTICSEARCH_USERNAME: ['sweeper', 'swee:per'],
  ELASTICSEARCH_PASSWORD: [secrets.password],
  ELASTICSEARCH_CA_CERT: [
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    '/no/such/file',
    '/tmp',
  ],
  ELASTICSEARCH_CA_FINGERPRINT: ['ab'.repeat(32), 'AB:'.repeat(31)],
  ELASTICSEARCH_SECRET_PREFIX: ['jobsweep/'],
  JOBSWEEP_SCHEDULE_GROUP: ['sweeps'],
  JOBSWEEP_SCHEDULER_ROLE_ARN: ['arn:aws:iam::123456789012:role/jobsweep-scheduler'],
  JOBSWEEP_FUNCTION_ARN: ['arn:aws:lambda:eu-central-1:123456789012:function:jobsweep'],
  JOBSWEEP_DLQ_ARN: ['arn:aws:sqs:eu-central-1:123456789012:jobsweep-undelivered'],
} as const satisfies Record<string, readonly string[]>;
const names = Object.keys(values) as (keyof typeof values)[];

interface Setting {
  readonly name: keyof typeof values;
  readonly pick: number;
  readonly slip: Slip | 'hostile';
}

interface Given {
  readonly url: Slip;
  readonly settings: readonly Setting[];
  readonly command: 'plan' | 'doctor';
}

const slipNames = Object.keys(slips) as Slip[];

export const settings = badInput<Given, TwoClusters>({
  name: 'settings',
  sentence:
    'corrupted settings are refused without showing credentials, or the command contacts the cluster in them with the credentials in them',
  outcomes: ['reached', 'refused'],
  toMeet: [...slipNames, 'hostile', ...names, 'not reached', 'doctor', 'plan'],
  given: fc.record(
    {
      url: fc.oneof({ weight: 3, arbitrary: fc.constant<Slip>('none') }, fc.constantFrom(...slipNames)),
      settings: fc.uniqueArray(
        fc.record(
          {
            name: fc.constantFrom(...names),
            pick: fc.nat(100),
            slip: fc.oneof(
              { weight: 2, arbitrary: fc.constant('none' as const) },
              { weight: 2, arbitrary: fc.constantFrom(...slipNames) },
              { weight: 1, arbitrary: fc.constant('hostile' as const) },
            ),
          },
          { noNullPrototype: true },
        ),
        { maxLength: 4, selector: ({ name }) => name },
      ),
      command: fc.constantFrom('plan', 'doctor'),
    },
    { noNullPrototype: true },
  ),
  open: openTwoClusters,
  attempt: async (given, meet, bench) => {
    const environment = environmentOf(given, bench.own.url);
    meet(given.url);
    meet(given.command);
    for (const { name, slip } of given.settings) {
      meet(name);
      meet(slip);
    }
    const from = bench.own.requests.length;
    const result = await bench.run([given.command], { env: environment });
    // lets the clusters receive requests that were in flight when the command ended
    await bench.clock.advance(0);
    const used = authorizations(bench.own, from);
    const allowed = authorizationsOf(environment);
    const problems = [
      ...endedBadly(result),
      ...shownSecrets(result.stdout + result.stderr),
      ...used.filter((each) => !allowed.has(each)).map((each) => `asked with ${each}`),
      ...(used.length > 1 ? ['asked in two names'] : []),
    ];
    if (used.length > 0) meet('reached');
    if (result.exit === 2) meet('refused');
    if (result.exit === 5 || (given.command === 'doctor' && result.exit === 3 && used.length === 0))
      meet('not reached');
    if (result.exit === 2 && used.length > 0)
      problems.push('the cluster received a request although the settings are invalid');
    if (given.command === 'plan' && result.exit === 3) problems.push('a plan that is partial');
    return problems;
  },
});

function environmentOf({ url, settings: given }: Given, address: string): Record<string, string> {
  const set = given.map(({ name, pick, slip }) => {
    const all = values[name];
    const value = (all[pick % all.length] as string).replace('URL', address);
    // puts no secret into a `JOBSWEEP_…` variable, because messages may quote an invalid ARN
    if (/^(another_secret|query|user)$/.test(slip) && name.startsWith('JOBSWEEP'))
      return [name, value] as const;
    const corrupted = slip === 'hostile' ? hostileTexts[pick % hostileTexts.length] : slips[slip](value);
    return [name, corrupted ?? ''] as const;
  });
  return { ELASTICSEARCH_URL: slips[url](address), ...Object.fromEntries(set) };
}

/**
 * The `Authorization` headers that the command may send with these settings: with the API key, with the username and
 * password, or none.
 */
function authorizationsOf(environment: Readonly<Record<string, string>>): ReadonlySet<string> {
  const {
    ELASTICSEARCH_API_KEY: key = '',
    ELASTICSEARCH_USERNAME: user = '',
    ELASTICSEARCH_PASSWORD: word = '',
  } = environment;
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  if (key.trim() !== '') return new Set([`ApiKey ${key.includes(':') ? base64(key.trim()) : key.trim()}`]);
  if (user.trim() !== '' || word.trim() !== '') return new Set([`Basic ${base64(`${user}:${word}`)}`]);
  return new Set(['nothing']);
}
