import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import accepted from '../../scripts/supply-chain/accepted-advisories.json' with { type: 'json' };
import {
  type AuditAnswer,
  acceptedSchema,
  fetchAudit,
  judgeAudit,
} from '../../scripts/supply-chain/audit.ts';
import { checkSupplyChain } from '../../scripts/supply-chain/check.ts';
import { contents, type ShippedPackage } from '../../scripts/supply-chain/packages.ts';
import { packageRows, projectSupplyChain } from '../../scripts/supply-chain/project.ts';
import { complaints, type SupplyChain } from '../../scripts/supply-chain/rules.ts';
import { licencesPage, notices } from '../../scripts/supply-chain/texts.ts';
import { root } from '../support/bin.ts';
import { builtCommand } from '../support/built-command.ts';
import { functionMetafile } from '../support/function-metafile.ts';
import { page } from '../support/markdown.ts';
import { isNightly } from '../support/nightly.ts';

describe('the deployed and published packages', () => {
  let chain: SupplyChain;
  beforeAll(async () => {
    const [ofFunction, command] = await Promise.all([functionMetafile(), builtCommand()]);
    chain = await projectSupplyChain({ function: ofFunction, command: command.metafile });
  });

  it('the shipped packages break no supply-chain rule', () => {
    expect(complaints(chain)).toEqual([]);
  });

  it('docs/licences.md lists the shipped packages with their licences', () => {
    expect(licencesPage(chain.packages)).toBe(page('docs/licences.md'));
  });

  it('the shipped packages include packages of which other packages may contain a copy, and no development tools', () => {
    const its = (name: string) => chain.packages.find((each) => each.name === name);
    expect(its('zod')).toMatchObject({
      in: { function: 'within', command: 'within' },
      importedFor: ['function', 'command'],
    });
    // the Elasticsearch client depends on undici, which the function's bundle leaves out; undici's licence is checked
    // anyway
    expect(its('undici')).toMatchObject({ in: { function: 'perhaps' }, importedFor: [] });
    expect(its('vega')?.in).toEqual({ command: 'within' });
    expect(its('delaunator')?.in).toEqual({ command: 'perhaps' });
    for (const name of ['esbuild', 'vitest', 'serverless', 'ajv']) expect(its(name), name).toBeUndefined();
  });

  it('the licence notices of each product contain the licence texts of all packages in that product', () => {
    for (const product of ['function', 'command'] as const) {
      const shipped = notices(chain.packages, product);
      for (const { name, version, licence, texts, in: where } of chain.packages) {
        if (where[product] === undefined) continue;
        expect(shipped).toContain(`${name} ${version}: ${licence}\n\n`);
        for (const each of texts) expect(shipped).toContain(each);
      }
    }
  });

  it('each accepted advisory has a documented reason', () => {
    expect(acceptedSchema.parse(accepted)).toEqual(accepted);
  });
});

const harmless: ShippedPackage = {
  name: 'harmless',
  version: '1.2.3',
  licence: 'MIT',
  folders: ['node_modules/harmless'],
  in: { function: 'within', command: 'within' },
  importedFor: ['function'],
  texts: ['MIT License'],
  installScripts: [],
};

/**
 * A supply chain with a single package and without problems. `of` overrides fields of the package, and `change`
 * overrides fields of the chain.
 */
const planted = (of: Partial<ShippedPackage> = {}, change: Partial<SupplyChain> = {}): SupplyChain => ({
  packages: [{ ...harmless, ...of }],
  manifest: { devDependencies: { harmless: '1.2.3', other: 'npm:another@2.0.0-rc.1' } },
  lock: { '': {}, 'node_modules/harmless': { version: '1.2.3', integrity: 'sha512-…' } },
  rows: { function: ['harmless'], command: [] },
  ...change,
});
const lockedAs = (entry: SupplyChain['lock'][string]) => ({
  lock: { 'node_modules/harmless': { version: '1.2.3', integrity: 'sha512-…', ...entry } },
});

describe('the supply-chain rules', () => {
  it('the supply-chain rules accept valid packages', () => {
    expect(complaints(planted())).toEqual([]);
    expect(complaints(planted({ licence: 'Apache-2.0', texts: [] }))).toEqual([]);
  });

  it.each<[string, SupplyChain, RegExp]>([
    [
      'a licence that is not allowed',
      planted({ licence: 'GPL-3.0-only' }),
      /GPL-3\.0-only, which is not among/,
    ],
    ['no licence', planted({ licence: undefined }), /licence is unknown/],
    [
      'a licence that is only named in a file',
      planted({ licence: 'SEE LICENSE IN LICENSE' }),
      /SEE LICENSE IN/,
    ],
    ['a published package without the text of its licence', planted({ texts: [] }), /no licence text/],
    ['an install script', planted({ installScripts: ['postinstall'] }), /it runs postinstall/],
    [
      'an install script that is listed only in the lock file',
      planted({}, lockedAs({ hasInstallScript: true })),
      /has an install script/,
    ],
    [
      'a package that is missing from the lock file',
      planted({ folders: ['node_modules/x'] }),
      /has no node_modules\/x/,
    ],
    [
      'another version than in the lock file',
      planted({}, lockedAs({ version: '1.2.4' })),
      /where package-lock.json has 1\.2\.4/,
    ],
    ['no checksum', planted({}, { lock: { 'node_modules/harmless': { version: '1.2.3' } } }), /no sha512/],
    ['a weak checksum', planted({}, lockedAs({ integrity: 'sha1-…' })), /no sha512/],
    [
      'a registry’s host in the lock file',
      planted({}, lockedAs({ resolved: 'https://registry.example/x.tgz' })),
      /names where it came from, https:/,
    ],
    [
      'a range of versions',
      planted({}, { manifest: { devDependencies: { harmless: '^1.2.3' } } }),
      /harmless is not pinned, but \^1\.2\.3/,
    ],
    [
      'an alias for a range of versions',
      planted({}, { manifest: { devDependencies: { harmless: '1.2.3', x: 'npm:y@2' } } }),
      /x is not pinned/,
    ],
    [
      'an address instead of a version',
      planted({}, { manifest: { dependencies: { harmless: 'github:x/harmless' } } }),
      /not pinned/,
    ],
    [
      'a package that package.json does not list',
      planted({}, { manifest: {} }),
      /harmless is imported and not named/,
    ],
    [
      'an install script in the project’s own package.json',
      planted({}, { manifest: { ...planted().manifest, scripts: { postinstall: 'x' } } }),
      /the script postinstall would run/,
    ],
    [
      'a function package without a row',
      planted({}, { rows: { function: [], command: [] } }),
      /no row of the function says what harmless/,
    ],
    [
      'a command package without a row',
      planted({ importedFor: ['command'] }, { rows: { function: [], command: [] } }),
      /no row says what harmless/,
    ],
    [
      'a function package in the command’s table',
      planted({}, { rows: { function: [], command: ['harmless'] } }),
      /no row of the function says/,
    ],
    [
      'a surplus row in the function’s table',
      planted({}, { rows: { function: ['harmless', 'left-pad'], command: [] } }),
      /of the function for left-pad/,
    ],
    [
      'a surplus row in the command’s table',
      planted({}, { rows: { function: ['harmless'], command: ['left-pad'] } }),
      /of the command for left-pad/,
    ],
    [
      'a package with two rows',
      planted(
        { importedFor: ['function', 'command'] },
        { rows: { function: ['harmless'], command: ['harmless'] } },
      ),
      /more than one row for harmless/,
    ],
  ])('the supply-chain rules report %s', (_what, chain, complaint) => {
    expect(complaints(chain)).toEqual(expect.arrayContaining([expect.stringMatching(complaint)]));
  });

  it('the licence notices cannot be generated if a package lacks the text of its licence', () => {
    expect(() => notices([{ ...harmless, texts: [] }], 'command')).toThrow(
      'harmless is built in, and has no licence text',
    );
  });

  it('the licence notices add the text of the MIT licence to a bare copyright notice', () => {
    const bare = { ...harmless, licence: 'MIT', texts: ['Copyright (c) 2026 A. Author'] };
    expect(notices([bare], 'command')).toMatch(
      /Copyright \(c\) 2026 A\. Author\n\nPermission is hereby granted/,
    );
  });

  it('the supply-chain check reads the packages in both tables of docs/packages.md', () => {
    const page = `
# x
| \`no\` | row |
## The function

| package | for |
|---|---|
| \`@a/b\`, \`c\` | both |

## The command

| \`d\` | for \`--option\` |

More.
## Else
| \`e\` | no |
`;
    expect(packageRows(page)).toEqual({ function: ['@a/b', 'c'], command: ['d'] });
  });
});

it('the supply-chain check finds the included, imported and possibly built-in packages of a bundle', () => {
  const input = (...imports: string[]) => ({
    bytes: 1,
    imports: imports.map((path) => ({ path, kind: 'import-statement' as const })),
  });
  const dependencies: Record<string, string[]> = {
    'node_modules/@ours/a': ['node_modules/b', 'node_modules/rolled'],
    'node_modules/rolled': ['node_modules/deeper'],
  };
  const told = contents(
    {
      inputs: {
        'src/x.ts': input('node_modules/@ours/a/index.js', 'src/y.ts'),
        'src/y.ts': {
          bytes: 1,
          imports: [{ path: 'node_modules/far/x.js', kind: 'import-statement', external: true }],
        },
        'node_modules/@ours/a/index.js': input('node_modules/b/b.js', 'lean:c'),
        'node_modules/b/b.js': input('node_modules/b/node_modules/d/d.js'),
        'node_modules/b/node_modules/d/d.js': input(),
        'lean:c': input('node_modules/c/lib/c.js'),
        'node_modules/c/lib/c.js': input(),
      },
      outputs: {},
    },
    (folder) => dependencies[folder] ?? [],
  );
  expect([...told.within].sort()).toEqual([
    'node_modules/@ours/a',
    'node_modules/b',
    'node_modules/b/node_modules/d',
    'node_modules/c',
  ]);
  expect([...told.imported]).toEqual(['node_modules/@ours/a']);
  expect([...told.perhaps]).toEqual(['node_modules/rolled', 'node_modules/deeper']);
});

describe('an audit of the supply chain', () => {
  const advisory = {
    title: 'Bad',
    url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
    severity: 'high',
  };
  const against = (name: string, ...nodes: string[]): AuditAnswer => ({
    auditReportVersion: 2,
    vulnerabilities: { [name]: { nodes, via: [advisory] } },
  });
  const argument = {
    package: 'harmless',
    advisory: 'GHSA-aaaa-bbbb-cccc',
    reason: 'the part that it is about is not called',
    until: '2027-01-31',
  };
  const judge = (answer: AuditAnswer, arguments_: (typeof argument)[] = [], today = '2026-12-01') =>
    judgeAudit(answer, [harmless], arguments_, today);

  it('an audit fails for an advisory about a shipped copy of a package, but only mentions an advisory about a copy that is not shipped', () => {
    expect(judge(against('harmless', 'node_modules/harmless')).complaints).toEqual([
      'harmless: Bad (high, https://github.com/advisories/GHSA-aaaa-bbbb-cccc)',
    ]);
    const elsewhere = judge(against('harmless', 'node_modules/tool/node_modules/harmless'));
    expect(elsewhere).toEqual({
      complaints: [],
      remarks: ['not shipped: harmless: Bad (high, https://github.com/advisories/GHSA-aaaa-bbbb-cccc)'],
    });
  });

  it('an audit does not report a shipped package if the advisory is about a dependency that is not shipped', () => {
    const answer: AuditAnswer = {
      auditReportVersion: 2,
      vulnerabilities: { harmless: { nodes: ['node_modules/harmless'], via: ['other'] } },
    };
    expect(judge(answer)).toEqual({ complaints: [], remarks: [] });
  });

  it('an audit accepts an advisory until the last day of a documented exception for that advisory and package', () => {
    const answer = against('harmless', 'node_modules/harmless');
    expect(judge(answer, [argument], '2027-01-31').complaints).toEqual([]);
    expect(judge(answer, [argument], '2027-02-01').complaints).toEqual([
      expect.stringContaining('accepted until 2027-01-31'),
    ]);
    expect(judge(answer, [{ ...argument, advisory: 'GHSA-xxxx-yyyy-zzzz' }]).complaints).toHaveLength(2);
    expect(judge(answer, [{ ...argument, package: 'other' }]).complaints).toHaveLength(2);
  });

  it('an audit reports a documented exception that is no longer needed', () => {
    expect(judge({ auditReportVersion: 2, vulnerabilities: {} }, [argument]).complaints).toEqual([
      'harmless: GHSA-aaaa-bbbb-cccc is accepted, but no longer reported: remove it',
    ]);
  });

  /** Runs `work` with a registry that gives this answer. Returns the requests for advisories as well. */
  async function withRegistry<T>(status: number, answer: object, work: () => Promise<T>) {
    const asked: unknown[] = [];
    const answers = async (request: IncomingMessage, response: ServerResponse) => {
      const bulk = request.method === 'POST' && request.url === '/-/npm/v1/security/advisories/bulk';
      const sent = await buffer(request);
      if (bulk) asked.push(JSON.parse(gunzipSync(sent).toString()));
      response.writeHead(bulk ? status : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(bulk ? answer : {}));
    };
    const server = createServer((request, response) => {
      void answers(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    vi.stubEnv('npm_config_registry', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    vi.stubEnv('npm_config_fetch_retries', '0');
    try {
      return { ...(await work()), asked };
    } finally {
      vi.unstubAllEnvs();
      server.close();
    }
  }

  const shipsZod = planted(
    { name: 'zod', folders: ['node_modules/zod'] },
    {
      manifest: { devDependencies: { zod: '1.2.3' } },
      lock: { 'node_modules/zod': { version: '1.2.3', integrity: 'sha512-…' } },
      rows: { function: ['zod'], command: [] },
    },
  );

  /** Checks a chain that ships only zod, with the advisories that `audit` returns. */
  async function audited(audit = fetchAudit) {
    const lines: string[] = [];
    const exit = await checkSupplyChain(shipsZod, (line) => lines.push(line), audit);
    return { exit, stdout: lines.map((line) => `${line}\n`).join('') };
  }

  it('an audit checks the whole lock file and fails for an advisory about a shipped package', async () => {
    const found = { ...advisory, vulnerable_versions: '*', cwe: [], cvss: { score: 8, vectorString: null } };
    const advisories = { zod: [{ ...found, id: 1 }], vitest: [{ ...found, id: 2, title: 'Worse' }] };
    const { exit, stdout, asked } = await withRegistry(200, advisories, audited);
    expect(asked).toEqual([
      expect.objectContaining({ zod: [expect.any(String)], undici: expect.any(Array) }),
    ]);
    expect(stdout).toContain('\nzod: Bad (high,');
    expect(stdout).toContain('\nnot shipped: vitest: Worse (high,');
    expect(exit).toBe(1);
  });

  it('an audit reports that there is no advisory', async () => {
    const { exit, stdout } = await audited(() =>
      Promise.resolve({ auditReportVersion: 2, vulnerabilities: {} }),
    );
    expect(stdout).toContain('no advisory against what is shipped\nnothing is wrong\n');
    expect(exit).toBe(0);
  });

  it('an audit fails if the registry does not answer, instead of reporting no advisory', async () => {
    const { exit, stdout } = await withRegistry(405, { error: 'no' }, audited);
    expect(stdout).toMatch(
      /no audit was made, and nothing is known of advisories; npm says: 405 Method Not Allowed/,
    );
    expect(stdout).not.toContain('nothing is wrong');
    expect(exit).toBe(2);
  });

  // Both bundles are built again for this, which takes seconds.
  it.runIf(isNightly)(
    '`npm run supply-chain -- --audit` exits with 2 if the registry does not answer',
    async () => {
      const { exit, stdout } = await withRegistry(405, { error: 'no' }, async () => {
        const child = spawn(process.execPath, ['scripts/supply-chain.ts', '--audit'], {
          cwd: root,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const exits = once(child, 'close');
        const stdout = await text(child.stdout);
        const [exit] = (await exits) as [number];
        return { exit, stdout };
      });
      expect(stdout).toContain('no audit was made');
      expect(exit).toBe(2);
    },
  );
});
