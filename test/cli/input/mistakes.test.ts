import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, newFolder } from '../../support/folder.ts';
import { runOn } from '../../support/run-on.ts';
import { busy, idle, type SweepSetup, startSetup } from '../../support/sweep-setup.ts';

/** A mistake of a user, with its exit code and the words that explain the fix. */
interface Mistake {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly exit: 2 | 5;
  readonly says: RegExp;
  readonly next: RegExp;
}

const key = (id: string) => ({ ELASTICSEARCH_API_KEY: `${id}:k` });
const yes = ['sweep', '--yes'];

const mistakes: Readonly<Record<string, Mistake>> = {
  'a typo in a field': {
    args: [...yes, '-p', '-'],
    stdin: '{"idelFor": "48h"}',
    exit: 2,
    says: /idelFor is an unknown field/,
    next: /did you mean idleFor\?/,
  },
  'a value of the wrong kind': {
    args: [...yes, '-p', '-'],
    stdin: '{"close": {"batch": "many"}}',
    exit: 2,
    says: /close\.batch: .*got "many"/,
    next: /expected a whole number from 1 to 100/,
  },
  'a payload that is not JSON': {
    args: [...yes, '-p', '-'],
    stdin: 'idleFor: 48h',
    exit: 2,
    says: /not valid JSON/,
    next: /standard input, line 1, column 1/,
  },
  'an empty standard input for the payload': {
    args: [...yes, '-p', '-'],
    exit: 2,
    says: /standard input is empty/,
    next: /expected a request such as \{"idleFor": "48h"\}/,
  },
  'no --yes in a script': {
    args: ['sweep'],
    env: key('m'),
    exit: 2,
    says: /without a terminal to ask on/,
    next: /needs --yes/,
  },
  'no cluster at all': {
    args: ['plan'],
    env: { ELASTICSEARCH_URL: undefined },
    exit: 2,
    says: /no cluster is named/,
    next: /set ELASTICSEARCH_URL .*--embedded/,
  },
  'an invalid address': {
    args: ['plan'],
    env: { ELASTICSEARCH_URL: 'localhost:9200' },
    exit: 2,
    says: /ELASTICSEARCH_URL/,
    next: /http/,
  },
  'a wrong address': {
    args: ['plan'],
    env: { ELASTICSEARCH_URL: 'http://127.0.0.1:1' },
    exit: 5,
    says: /cannot be reached/,
    next: /Check the port in ELASTICSEARCH_URL/,
  },
  'a host that does not exist': {
    args: ['plan'],
    env: { ELASTICSEARCH_URL: 'http://no-such-host.invalid:9200' },
    exit: 5,
    says: /cannot be reached/,
    next: /Check ELASTICSEARCH_URL|may reach it/,
  },
  'https to a server without TLS': {
    args: ['plan'],
    env: { ELASTICSEARCH_URL: 'https://HOST' },
    exit: 5,
    says: /cannot be reached/,
    next: /begin with http:\/\/ instead\?/,
  },
  'no key': { args: ['plan'], exit: 5, says: /refused the credentials/, next: /set ELASTICSEARCH_API_KEY/ },
  'a wrong key': {
    args: ['plan'],
    env: { ELASTICSEARCH_API_KEY: 'm:wrong' },
    exit: 5,
    says: /refused the credentials/,
    next: /check ELASTICSEARCH_API_KEY/,
  },
  'a key that may not plan': {
    args: ['plan'],
    env: key('n'),
    exit: 5,
    says: /does not allow/,
    next: /Planning needs the cluster privilege monitor_ml/,
  },
  'a key that may not sweep': {
    args: yes,
    env: key('r'),
    exit: 5,
    says: /lack the cluster privilege manage_ml/,
    next: /Use a key with manage_ml/,
  },
  'a job that must exist and does not': {
    args: [...yes, '-p', '-'],
    stdin: '{"jobs": "idle-9", "allowNoMatch": false}',
    env: key('m'),
    exit: 2,
    says: /"idle-9" matches no job of the cluster/,
    next: /allowNoMatch is false/,
  },
  'a job to explain that does not exist': {
    args: ['explain', 'idle-O'],
    env: key('m'),
    exit: 2,
    says: /the cluster has no job "idle-O"/,
    next: /did you mean "idle-0"/,
  },
  'a file that is not a report': {
    args: ['reopen', 'NOTES', '--yes'],
    env: key('m'),
    exit: 2,
    says: /has no report of a sweep/,
    next: /expected what one of these commands writes:\n {2}jobsweep sweep -o json/,
  },
  'a report of another cluster': {
    args: ['reopen', 'FOREIGN', '--yes'],
    env: key('m'),
    exit: 2,
    says: /is the report of another cluster/,
    next: /Use the settings of the swept cluster/,
  },
  'a file that is not a plan': {
    args: [...yes, '--plan', 'NOTES'],
    env: key('m'),
    exit: 2,
    says: /is not a plan/,
    next: /Make a new one with the same request: jobsweep plan -o json --output-file/,
  },
  'an unknown cluster name': {
    args: ['plan', '-p', '-'],
    stdin: '{"cluster": "logs"}',
    exit: 2,
    says: /logs/,
    next: /ELASTICSEARCH_SECRET_PREFIX|--clusters/,
  },
  'a file that cannot be written': {
    args: [...yes, '--output-file', '/no/such/place/report.json'],
    exit: 2,
    says: /cannot be written/,
    next: /\/no\/such\/place/,
  },
};

describe('a mistake in the input', () => {
  let setup: SweepSetup;
  let folder: Folder;
  beforeAll(async () => {
    const apiKey = (id: string, ...cluster: string[]) => ({ id, key: 'k', owner: 'o', cluster });
    const apiKeys = [apiKey('m', 'manage_ml'), apiKey('r', 'monitor_ml'), apiKey('n')];
    setup = await startSetup([...busy(4), ...idle(2)], { apiKeys });
    folder = await newFolder();
    await folder.write('NOTES', 'closed some jobs on Monday');
    const head = {
      sweepId: 's',
      cluster: { name: 'default', id: 'another', version: null },
      startedAt: '2026-11-22T02:00:00Z',
    };
    await folder.write(
      'FOREIGN',
      JSON.stringify({ ...head, jobs: [{ jobId: 'idle-0', outcome: 'closed' }] }),
    );
  });
  afterAll(async () => {
    await setup[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it.each(Object.entries(mistakes))(
    'the mistake "%s" leads to the expected exit code and a message with a fix, and changes nothing',
    async (_name, mistake) => {
      const args = mistake.args.map((arg) => (/^[A-Z]+$/.test(arg) ? folder.at(arg) : arg));
      const host = new URL(setup.server.url).host;
      const env = Object.fromEntries(
        Object.entries(mistake.env ?? {}).map(([name, value]) => [name, value?.replace('HOST', host)]),
      );
      const { stdin } = mistake;
      const result = await runOn(setup, args, { env, ...(stdin !== undefined && { stdin }) });
      expect({ exit: result.exit, stdout: result.stdout }).toEqual({ exit: mistake.exit, stdout: '' });
      expect(result.stderr).toMatch(/^jobsweep: /);
      expect(result.stderr).toMatch(mistake.says);
      expect(result.stderr).toMatch(mistake.next);
      expect(result.stderr).not.toMatch(/at .*\.ts:\d+/);
      expect(setup.server.requests.filter(({ path }) => /_close|_open|_start/.test(path))).toEqual([]);
    },
  );
});
