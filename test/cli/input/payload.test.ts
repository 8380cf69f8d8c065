import { describe, expect, it } from 'vitest';
import { newFolder } from '../../support/folder.ts';
import { reportOf, runOn } from '../../support/run-on.ts';
import { busy, idle, startSetup } from '../../support/sweep-setup.ts';

describe('a payload', () => {
  it('if a payload has a typo, the command exits with 2 and suggests the right field, before any request', async () => {
    await using setup = await startSetup(idle(1));
    const result = await runOn(setup, ['sweep', '-p', '-'], { stdin: '{"idelFor":"48h"}' });
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toBe(
      'jobsweep: standard input, line 1, column 2: idelFor is an unknown field; did you mean idleFor?\n',
    );
    expect(setup.server.requests).toEqual([]);
  });

  it.each([
    ['no content', '', /standard input is empty: expected a request such as \{"idleFor": "48h"\}/],
    ['only white space', ' \n\t\n', /standard input is empty/],
    [
      'a list instead of an object',
      '[]',
      /standard input, line 1, column 1: the payload: expected an object such as/,
    ],
    ['an incomplete object', '{"idleFor": "48h",\n', /standard input, line 2, column 1: not valid JSON/],
    [
      'a repeated field',
      '{"idleFor": "48h",\n "idleFor": "72h"}',
      /standard input, line 2, column 2: the key "idleFor" appears twice/,
    ],
    ['a field in the wrong place', '{"stuckFor": "2h"}', /did you mean force\.stuckFor\?/],
    [
      'a duration in words',
      '{"idleFor": "two days"}',
      /idleFor: expected a duration.*at least 1m, got "two days"/,
    ],
    ['control characters', '{"a\\u001b[31mb": 1}', /a\\u001b\[31mb is an unknown field/],
  ])('a payload with %s is refused with a helpful message', async (_what, stdin, message) => {
    await using setup = await startSetup(idle(1));
    const result = await runOn(setup, ['plan', '-p', '-'], { stdin });
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(setup.server.requests).toEqual([]);
  });

  it('an invalid payload is reported with one line per problem, each with the location of the problem in the file', async () => {
    await using setup = await startSetup(idle(1));
    await using folder = await newFolder();
    const path = await folder.write('wrong.json', '{\n  "idleFor": "1s",\n  "close": { "batch": 0 }\n}\n');
    const result = await runOn(setup, ['plan', '-p', path]);
    expect(result.exit).toBe(2);
    expect(result.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^jobsweep: .*wrong\.json:2:3: idleFor: expected/),
      expect.stringMatching(/^.*wrong\.json:3:14: close\.batch: expected/),
    ]);
  });

  it.each(['utf16le', 'utf16be'])(
    'a payload with comments is read if its encoding is %s, which PowerShell can write',
    async (encoding) => {
      await using setup = await startSetup([...busy(4), ...idle(2)]);
      await using folder = await newFolder();
      const bytes = Buffer.from('\uFEFF{"jobs": "idle-0" /* für jetzt */}\r\n', 'utf16le');
      const path = await folder.write('utf16.json', encoding === 'utf16be' ? bytes.swap16() : bytes);
      const result = await runOn(setup, ['plan', '-p', path, '-o', 'json']);
      expect(result.exit).toBe(0);
      expect(reportOf(result).counts).toMatchObject({ listed: 1, idle: 1 });
    },
  );

  it('a YAML payload with an unquoted wildcard is refused, with the location of the entry', async () => {
    await using setup = await startSetup(idle(1));
    await using folder = await newFolder();
    const path = await folder.write('nightly.yml', 'idleFor: 48h\nexclude: [*-production]\n');
    const result = await runOn(setup, ['plan', '-p', path]);
    expect(result.exit).toBe(2);
    expect(result.stderr).toContain(
      'nightly.yml:2:11: YAML treats a text that begins with * as an alias: quote it',
    );
    expect(setup.server.requests).toEqual([]);
  });

  it('a payload is read from standard input, and from a file with a byte order mark and $schema', async () => {
    await using setup = await startSetup([...busy(4), ...idle(2)]);
    await using folder = await newFolder();
    const path = await folder.write('fine.json', '\uFEFF{"$schema": "x", "jobs": "idle-0"}');
    for (const result of [
      await runOn(setup, ['plan', '-p', path]),
      await runOn(setup, ['plan', '-p', '-'], { stdin: '{"jobs": ["idle-0"]}' }),
    ])
      expect(reportOf(result).counts).toMatchObject({ listed: 1, idle: 1 });
  });

  it('the cluster that a payload names is looked up in the clusters file', async () => {
    await using setup = await startSetup([...busy(2), ...idle(1)]);
    await using folder = await newFolder();
    const clusters = await folder.write('clusters.yaml', `logs:\n  ELASTICSEARCH_URL: ${setup.server.url}\n`);
    const result = await runOn(setup, ['plan', '-p', '-', '--clusters', clusters], {
      stdin: '{"cluster": "logs"}',
      env: { ELASTICSEARCH_URL: undefined },
    });
    expect(result.exit).toBe(0);
    expect(reportOf(result).cluster.name).toBe('logs');
  });

  it.each([
    [
      'no entry for the cluster in the payload',
      '{"logs": {}}',
      /the cluster "web" is not in the clusters file, which has logs/,
    ],
    ['a list instead of named clusters', '[]', /clusters\.json:1:1: expected clusters by name/],
    [
      'a cluster that is not an object',
      '{"web": "http://x"}',
      /clusters\.json:1:2: "web": expected an object of settings/,
    ],
    [
      'a setting that does not exist',
      '{"web": {"ELASTICSEARCH_ULR": "http://x"}}',
      /the unknown key "ELASTICSEARCH_ULR"/,
    ],
  ])('a clusters file with %s is refused', async (_what, text, message) => {
    await using setup = await startSetup([]);
    await using folder = await newFolder();
    const clusters = await folder.write('clusters.json', text);
    const result = await runOn(setup, ['plan', '-p', '-', '--clusters', clusters], {
      stdin: '{"cluster": "web"}',
    });
    expect(result).toMatchObject({ exit: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
    expect(setup.server.requests).toEqual([]);
  });
});
