import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { template } from '../../deploy/template.ts';
import manifest from '../../package.json' with { type: 'json' };
import { VirtualClock } from '../../simulator/clock.ts';
import { startElasticsearch } from '../../simulator/elasticsearch/index.ts';
import { defaultFleet } from '../../simulator/fleets/default-fleet.ts';
import { readDocument } from '../../src/cli/input/document.ts';
import { readScheduleFile } from '../../src/scheduler/schedule-file.ts';
import { connectionSettings } from '../../src/settings/environment.ts';
import { readProtection } from '../../src/sweep/planning/protection.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import { root } from '../support/bin.ts';
import { blocks, languages, page } from '../support/markdown.ts';
import { runCommand } from '../support/run-command.ts';

/** The pages that show commands and payloads to people. */
const guides = ['README.md', 'docs/deploying.md', 'docs/requests.md'];
/** The pages whose commands `checkForm` checks. `runbook-commands.test.ts` runs the commands of the runbook. */
const commandGuides = [...guides, 'docs/notifications.md'];
const readme = page('README.md');
const shownBlocks = (language: string, pages = guides) =>
  pages.flatMap((name) => blocks(page(name), language));
const npmStart = /^npm ci && npm (start|test|run package)$/;

/** Splits a shell line into words. Quotes keep a word together. */
const words = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, ''));

/** All values of an option, at any position. */
const valuesOf = (option: string, args: readonly string[]): string[] =>
  args.flatMap((arg, index) =>
    arg === option
      ? [args[index + 1] ?? '']
      : arg.startsWith(`${option}=`)
        ? [arg.slice(option.length + 1)]
        : [],
  );

const serverless = parseYaml(page('serverless.yml')) as {
  service: string;
  params: Record<string, Record<string, unknown>>;
  functions: Record<string, unknown>;
};

/** The template of a stage, with parameters as `--param` gives them. */
function deployment(stage: string, given: Record<string, string> = {}) {
  const { default: standard = {}, [stage]: own = {} } = serverless.params;
  const parameters = { ...standard, scheduleGroup: `${serverless.service}-${stage}`, ...own, ...given };
  return template({ service: serverless.service, stage, parameters, root, now: Date.now() });
}

/** Checks the names in container commands against the manifests. */
function checkContainerForm(form: string, args: readonly string[]): void {
  if (form === 'kubectl apply -k') {
    expect(existsSync(`${root}/${args.at(-1)}/kustomization.yaml`)).toBe(true);
  } else if (form === 'kubectl create secret') {
    expect(args.slice(2, 4)).toEqual(['generic', 'jobsweep']);
    const names = valuesOf('--from-literal', args).map((literal) => literal.split('=')[0]);
    expect(Object.keys(connectionSettings)).toEqual(expect.arrayContaining(names));
  } else if (form === 'kubectl create job') {
    expect(valuesOf('--from', args)).toEqual(['cronjob/jobsweep']);
  } else if (form === 'docker build --tag') {
    expect(args.slice(2)).toEqual([`registry.example.com/jobsweep:${manifest.version}`, '.']);
  } else {
    expect([
      'kubectl logs --namespace',
      `docker push registry.example.com/jobsweep:${manifest.version}`,
    ]).toContain(form);
  }
}

/**
 * Checks that each command that needs AWS or a network has a known form, and checks its payload with the product's
 * code.
 */
function checkForm(line: string): void {
  const [program, ...args] = words(line);
  const form = [program, ...args.slice(0, 2)].join(' ');
  const [stage = 'dev'] = valuesOf('--stage', args);
  if (npmStart.test(line)) {
    expect(Object.keys(manifest.scripts)).toContain(args.at(-1));
  } else if (form === 'npm pack &&') {
    expect(args.at(-1)).toBe(`./${manifest.name}-${manifest.version}.tgz`);
  } else if (form.startsWith('npx sls deploy')) {
    const params = valuesOf('--param', args).map((param) => param.split('=') as [string, string]);
    expect(Object.keys(serverless.params.default ?? {})).toEqual(
      expect.arrayContaining(params.map(([name]) => name)),
    );
    deployment(stage, Object.fromEntries(params));
  } else if (form === 'npx sls invoke') {
    expect(serverless.functions).toHaveProperty(valuesOf('-f', args)[0] ?? '');
    parseRequest(JSON.parse(page(valuesOf('-p', args)[0] ?? '')));
  } else if (form === 'aws secretsmanager create-secret') {
    expect(valuesOf('--name', args)).toEqual([serverless.params.default?.secret]);
    expect(valuesOf('--secret-string', args)).toEqual(['file://connection.json']);
  } else if (form === 'aws lambda invoke') {
    expect(valuesOf('--function-name', args)).toEqual([deployment('prod').functionName]);
    expect(valuesOf('--cli-read-timeout', args)).toEqual(['0']);
    expect(valuesOf('--cli-binary-format', args)).toEqual(['raw-in-base64-out']);
    const [, payload = ''] = /--payload '([^']*)'/.exec(line) ?? [];
    parseRequest(JSON.parse(payload));
  } else if (form === 'npm run --silent') {
    expect(Object.keys(manifest.scripts)).toContain(args[2]);
    const params = valuesOf('--param', args).map((param) => param.split('=') as [string, string]);
    deployment(stage, Object.fromEntries(params));
  } else if (program === 'kubectl' || program === 'docker') {
    checkContainerForm(form, args);
  } else {
    throw new Error(`a guide shows a command of a form that no test knows: ${line}`);
  }
}

/** Runs a block of `export` and `jobsweep` lines, with the embedded cluster's URL in place of the given one. */
async function runBlock(lines: readonly string[]): Promise<void> {
  const clock = new VirtualClock(Date.parse('2026-11-23T12:00:00Z'));
  const apiKeys = [{ id: 'id', key: 'key', owner: 'o', cluster: ['monitor_ml'] }];
  const server = await startElasticsearch({ clock, fleet: { ...defaultFleet(clock.now()), apiKeys } });
  try {
    const env: Record<string, string> = {};
    for (const line of lines) {
      const [, name, value] = /^export (\w+)=(\S+)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) {
        expect(Object.keys(connectionSettings)).toContain(name);
        env[name] = name === 'ELASTICSEARCH_URL' ? server.url : value;
        continue;
      }
      const [program, ...args] = words(line);
      expect(program).toBe('jobsweep');
      const { exit, stdout, stderr } = await runCommand(args, { env, clock });
      expect(exit, stderr).toBe(0);
      expect(stdout).not.toBe('');
    }
    expect(server.requests.filter(({ path }) => path.endsWith('/_close'))).toEqual([]);
  } finally {
    await server.stop();
  }
}

describe('the commands of the guides', () => {
  const shown = shownBlocks('sh', commandGuides).map((block) => block.trimEnd().split('\n'));

  it('the guides show the commands `npm ci && npm start` and `npm ci && npm test`', () => {
    expect(shown.flat()).toEqual(expect.arrayContaining(['npm ci && npm start', 'npm ci && npm test']));
  });

  it.each(shown.map((lines) => [lines.join('; '), lines] as const))(
    'each block of commands in the guides has only valid commands: %s',
    async (_name, lines) => {
      const ours = lines.filter((line) => /^(export|jobsweep) /.test(line));
      if (ours.length > 0) await runBlock(ours);
      for (const line of lines) if (!ours.includes(line)) checkForm(line);
    },
  );

  it('`npm start` sweeps the embedded cluster and prints what the picture of the terminal shows', async () => {
    const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
    const child = spawn('npm', ['start'], {
      cwd: root,
      env: { PATH, HOME, NODE_COMPILE_CACHE },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const [exit] = (await once(child, 'close')) as [number | null];
    expect(exit, output).toBe(0);
    expect(output).toMatch(/^the embedded cluster runs at http:\/\/127\.0\.0\.1:\d+/m);
    expect(output).toMatch(
      /\d+ jobs listed of \d+ open: \d+ idle; \d+ closed, .*\d+ kept\nfreed .+ of model memory/,
    );
    const drawn = [...page('docs/images/terminal.svg').matchAll(/<text[^>]*>([^<]+)<\/text>/g)]
      .map(([, text = '']) => text)
      .filter((text) => text !== '$ npm start' && !text.startsWith('freed '));
    expect(drawn.length).toBeGreaterThan(50);
    // The time of the run affects column widths, and how durations are written (`23 d` or `22 d 23 h`).
    const words = (text: string) =>
      text
        .replaceAll(/ +/g, ' ')
        .replaceAll(/\d+ d( \d+ h)?/g, '… d')
        .trim();
    const shown = words(output);
    for (const text of drawn) expect(shown, 'run `npm run pictures`').toContain(words(text));
  }, 60_000);
});

describe('the commands of a plain cron host', () => {
  const shown = [...shownBlocks('cron'), ...shownBlocks('ini')]
    .flatMap((block) => block.split('\n'))
    .flatMap((line) => /(?:; |ExecStart=\/usr\/local\/bin\/)jobsweep (.*)$/.exec(line)?.[1] ?? []);

  it.each(shown)('each cron or systemd command in the guides is a valid dry run: %s', async (line) => {
    const { exit, stdout, stderr } = await runCommand([...words(line), '--embedded']);
    expect(exit, stderr).toBe(0);
    expect(stdout).toMatch(/would free|"dryRun": ?true/);
  });

  it('the guides show one command for cron and one for systemd', () => {
    expect(shown).toHaveLength(2);
  });
});

describe('the payloads of the guides', () => {
  it('the payloads of the guides are requests that the function accepts without a warning', () => {
    const requests = shownBlocks('jsonc');
    expect(requests).not.toEqual([]);
    for (const text of requests) {
      const payload: unknown = readDocument(text, 'README.md').value;
      expect(parseRequest(payload).warnings).toEqual([]);
    }
  });

  it('the job settings in the guides protect a job', () => {
    const settings = shownBlocks('json').map(
      (text) => (JSON.parse(text) as { custom_settings: Record<string, unknown> }).custom_settings,
    );
    expect(settings).not.toEqual([]);
    for (const each of settings) expect(readProtection(each).kind).toMatch(/^(always|until)$/);
  });

  it('the schedule files in the guides can be applied', () => {
    const files = shownBlocks('yaml');
    expect(files).not.toEqual([]);
    for (const text of files) expect(readScheduleFile(parseYaml(text)).schedules).not.toEqual([]);
  });

  it('each code block in the guides is in one of the languages that tests check', () => {
    const all = new Set(guides.flatMap((name) => [...languages(page(name))]));
    expect([...all].sort()).toEqual(['cron', 'hcl', 'ini', 'json', 'jsonc', 'mermaid', 'sh', 'yaml']);
  });
});

it('the README is under 150 lines, and the files and commands that it names exist', () => {
  expect(readme.split('\n').length).toBeLessThan(150);
  for (const [, file = ''] of readme.matchAll(/`((?:events|deploy|test)\/[^`*]+)`/g))
    expect(existsSync(`${root}/${file}`), file).toBe(true);
});
