/**
 * @module Tests that no credential appears in the command's output or in the files that it leaves behind, whatever
 * environment variables are set.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBin, source, start } from '../support/bin.ts';
import { type BuiltCommand, builtCommand } from '../support/built-command.ts';
import { newFolder } from '../support/folder.ts';
import { functionMetafile } from '../support/function-metafile.ts';
import { sized } from '../support/nightly.ts';
import { serve } from '../support/scripted-server.ts';

const id = 'sweeper-key-id';
const secret = 'the-secret-half-of-the-key';
const key = Buffer.from(`${id}:${secret}`).toString('base64');
const password = 'a-password-nobody-may-see';

const debugging = {
  DEBUG: '*',
  DEBUG_DEPTH: '10',
  LOG_TOKENS: '1',
  LOG_STREAM: '1',
  OTEL_ELASTICSEARCH_CAPTURE_SEARCH_QUERY: 'true',
};

let folder: Awaited<ReturnType<typeof newFolder>>;
let command: BuiltCommand;
beforeAll(async () => {
  folder = await newFolder();
  command = await builtCommand();
}, 60_000);
afterAll(() => folder[Symbol.asyncDispose]());

/** Answers with an error that repeats the request's headers, as some gateways do. */
const echoing = () =>
  serve(({ headers, json }) =>
    json({ error: { type: 'echo', reason: JSON.stringify(headers) }, status: 400 }, 400),
  );

const secrets = [key, secret, password, Buffer.from(`someone:${password}`).toString('base64')];

const kinds = ['built', 'source'] as const;
const scripts = { built: () => command.script, source: () => source };
const apiKey = { ELASTICSEARCH_API_KEY: key };
const ofUser = { ELASTICSEARCH_USERNAME: 'someone', ELASTICSEARCH_PASSWORD: password };

type Case = readonly [
  command: string,
  kind: (typeof kinds)[number],
  what: string,
  env: Record<string, string>,
];
const all = ['plan', 'doctor'].flatMap((command) =>
  kinds.flatMap((kind): Case[] => [
    [command, kind, 'an API key', apiKey],
    [command, kind, 'a user’s password', ofUser],
  ]),
);
// on a push, each pair of a command and a script, of a command and a credential, and of a script and a credential
// occurs in one case
const cases = sized<readonly Case[]>({
  push: [
    ['plan', 'built', 'an API key', apiKey],
    ['doctor', 'built', 'a user’s password', ofUser],
    ['plan', 'source', 'a user’s password', ofUser],
    ['doctor', 'source', 'an API key', apiKey],
  ],
  nightly: all,
});

it.each(cases)(
  '`jobsweep %s` (%s code) prints no part of %s, even with every debugging variable set',
  async (command, kind, _what, credentials) => {
    await using server = await echoing();
    const env = { ...debugging, ...credentials, ELASTICSEARCH_URL: server.url };
    const { exit, stdout, stderr } = await runBin([command], { script: scripts[kind](), env });
    expect(exit).toBeGreaterThan(0);
    for (const each of secrets) expect(stdout + stderr).not.toContain(each);
    expect(server.requests.length).toBeGreaterThan(0);
  },
);

// the built command has the same code as the source, so a push tests only the built command, which is shipped
describe.each(sized<readonly (typeof kinds)[number][]>({ push: ['built'], nightly: kinds }))(
  'the command (%s code)',
  (kind) => {
    const script = scripts[kind];

    it('the command prints none of the credentials in a clusters file that it reads', async () => {
      await using server = await echoing();
      const file = folder.at(`clusters-${kind}.yml`);
      await writeFile(file, `prod:\n  ELASTICSEARCH_URL: ${server.url}\n  ELASTICSEARCH_API_KEY: ${key}\n`);
      const { stdout, stderr } = await runBin(['plan', '--clusters', file, '-p', '-'], {
        script: script(),
        env: debugging,
        stdin: '{"cluster": "prod"}',
      });
      expect(server.requests.length).toBeGreaterThan(0);
      for (const each of secrets) expect(stdout + stderr).not.toContain(each);
    });

    it('the command keeps its credentials out of a diagnostic report that Node writes', async () => {
      const asked = Promise.withResolvers<void>();
      await using server = await serve(() => asked.resolve());
      const reports = folder.at(`reports-${kind}`);
      await mkdir(reports);
      const env = {
        ELASTICSEARCH_URL: server.url,
        ELASTICSEARCH_API_KEY: key,
        NODE_OPTIONS: `--report-on-signal --report-directory=${reports}`,
      };
      await using running = start(['plan'], { script: script(), env });
      await asked.promise;
      running.kill('SIGUSR2');
      await running.shows(/Node\.js report completed/);
      const [report = ''] = await readdir(reports);
      const text = await readFile(path.join(reports, report), 'utf8');
      expect(text).toContain('"javascriptStack"');
      expect(text).not.toContain(key);
    });

    it('the command warns if NODE_DEBUG is set, because it cannot disable that variable', async () => {
      const { stderr } = await runBin(['plan', '--embedded'], {
        script: script(),
        env: { NODE_DEBUG: 'none' },
      });
      expect(stderr).toContain('NODE_DEBUG is set: Node may print requests with their credentials');
    });
  },
);

it('the bundles of the command and of the function do not contain the package `debug`', async () => {
  for (const { inputs } of [command.metafile, await functionMetafile()])
    expect(Object.keys(inputs).filter((file) => /node_modules\/debug\//.test(file))).toEqual([]);
  const files = await readdir(command.dist);
  expect(files).toContain('jobsweep.js');
  for (const file of files)
    expect(await readFile(path.join(command.dist, file), 'utf8'), file).not.toMatch(/env\.DEBUG\b/);
});
