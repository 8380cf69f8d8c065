/** @module Tests the Terraform module on its own: its arguments, inputs, examples and README. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseExpression } from '../../src/scheduler/expression.ts';
import { triggerAttributes } from '../../src/scheduler/schedule-input.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import { requestSchema } from '../../src/sweep/request/request-schema.ts';
import { root } from '../support/bin.ts';
import { newFolder } from '../support/folder.ts';
import { blocks, page } from '../support/markdown.ts';
import { type Module, planOf, readInputs, readModule } from './terraform/plan.ts';
import { hasAttribute, wrongArguments } from './terraform/provider.ts';

const folder = path.join(root, 'deploy/terraform');
const examples = ['minimal', 'complete'];

let module: Module;
beforeAll(async () => {
  module = await readModule(folder);
});

const zip = { path: 'function.zip' };
const schedule = { expression: 'rate(1 hour)', request: '{}' };
const inputs = (change: object = {}) => ({ package: zip, ...change });

describe('the Terraform module', () => {
  it.each(['.', ...examples.map((name) => `examples/${name}`)])(
    'each block of Terraform code in the folder %s has every required argument, and no unknown argument',
    async (where) => {
      const { resources, data } = await readModule(path.join(folder, where));
      const wrong = [resources, data].flatMap((blocks) =>
        Object.entries(blocks).flatMap(([type, named]) =>
          Object.values(named).flatMap(([body = {}]) => wrongArguments(type, body)),
        ),
      );
      expect(wrong).toEqual([]);
    },
  );

  it('the check of Terraform code finds unknown, missing and misplaced arguments', () => {
    expect(wrongArguments('aws_scheduler_schedule', { schedule: 'rate(1 hour)', target: 'x' })).toEqual([
      'aws_scheduler_schedule has no argument schedule',
      'aws_scheduler_schedule.target is a block',
      'aws_scheduler_schedule lacks flexible_time_window',
      'aws_scheduler_schedule lacks schedule_expression',
    ]);
  });

  it('the Terraform module describes each input and output, and uses each input', async () => {
    const source = JSON.stringify([module.resources, module.data, module.locals]);
    for (const [name, { description, type }] of Object.entries(module.variables)) {
      expect(description?.trim(), name).toMatch(/\S.*\.$/s);
      expect(type, name).toMatch(/^\$\{/);
      expect(source, name).toMatch(new RegExp(`\\bvar\\.${name}\\b`));
    }
    for (const [name, { description }] of Object.entries(module.outputs))
      expect(String(description), name).toMatch(/\S.*\.$/);
  });

  it('the Terraform module has no provider block, and requires minimum versions without an upper bound', () => {
    expect(module.providers).toEqual([]);
    expect(module.settings.required_version).toMatch(/^>= \d+\.\d+\.\d+$/);
    expect(module.settings.required_providers).toEqual([
      { aws: { source: 'hashicorp/aws', version: expect.stringMatching(/^>= \d+\.\d+$/) as string } },
    ]);
  });

  it('the Terraform module does not escape the Scheduler’s context attributes in the Input of a schedule', () => {
    const request = { exclude: ['a<b>&c', '\\u003c'], fuse: { maxShare: 0.25 }, cluster: 'logs' };
    const { locals } = planOf(
      module,
      inputs({ schedules: { nightly: { ...schedule, request: JSON.stringify(request) } } }),
      hasAttribute,
    );
    const { nightly = '' } = locals.inputs as Record<string, string>;
    for (const [name, text] of Object.entries(triggerAttributes))
      expect(nightly).toContain(`"${name}":"${text}"`);
    expect(JSON.parse(nightly)).toEqual({ ...request, trigger: triggerAttributes });
  });

  it('the Terraform module takes the function from a local zip or from an object in S3', () => {
    const of = (given: object) =>
      planOf(module, { package: given }, hasAttribute).resources.find(
        ({ type }) => type === 'aws_lambda_function',
      )?.values;
    expect(of(zip)).toMatchObject({
      filename: 'function.zip',
      source_code_hash: 'filebase64sha256(function.zip)',
    });
    expect(of({ s3: { bucket: 'b', key: 'k' }, hash: 'h' })).toMatchObject({
      s3_bucket: 'b',
      s3_key: 'k',
      source_code_hash: 'h',
    });
    expect(of({ s3: { bucket: 'b', key: 'k' } })).not.toHaveProperty('filename');
  });
});

/** Invalid inputs that a user may give: a description, the inputs, and a part of the expected message. */
const invalid: [string, object, string][] = [
  [
    'a schedule without a request',
    { schedules: { a: { expression: 'rate(1 hour)' } } },
    'request is required',
  ],
  [
    'a request that is not JSON',
    { schedules: { a: { ...schedule, request: 'idleFor: 48h' } } },
    'var.schedules: Expected each request',
  ],
  [
    'a request that is a list',
    { schedules: { a: { ...schedule, request: '[]' } } },
    'var.schedules: Expected each request',
  ],
  [
    'a misspelled field',
    { schedules: { a: { ...schedule, request: '{"idelFor":"48h"}' } } },
    'var.schedules: A request has an unknown field',
  ],
  [
    'a misspelled field of a roll call',
    { schedules: { a: { ...schedule, request: '{"rollCall":true,"clusters":["logs"],"whitin":"6h"}' } } },
    'var.schedules: A roll call has an unknown field',
  ],
  [
    'a request field that only jobsweep sets',
    { schedules: { a: { ...schedule, request: '{"followUpOf":{}}' } } },
    'var.schedules: A request has an unknown field',
  ],
  [
    'a bare cron expression',
    { schedules: { a: { ...schedule, expression: '0 2 * * ? *' } } },
    'var.schedules: Expected each expression',
  ],
  [
    'an unknown state',
    { schedules: { a: { ...schedule, state: 'off' } } },
    'var.schedules: Expected each state',
  ],
  ['a schedule name with a slash', { schedules: { 'a/b': schedule } }, 'var.schedules: Expected names'],
  ['no package', { package: {} }, 'var.package: Expected exactly one'],
  [
    'two packages',
    { package: { path: 'x', s3: { bucket: 'b', key: 'k' } } },
    'var.package: Expected exactly one',
  ],
  ['a name with a slash', { name: 'a/b' }, 'var.name: Expected 1 to 36'],
  [
    'the ARN of a secret instead of its name',
    { secret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:x' },
    'var.secret: Expected the name',
  ],
  ['a concurrency of 0', { reserved_concurrency: 0 }, 'var.reserved_concurrency: Expected a whole number'],
  ['a memory size with half a megabyte', { memory_size: 512.5 }, 'var.memory_size: Expected a whole number'],
  [
    'a log retention of 31 days',
    { log_retention_days: 31 },
    'var.log_retention_days: Expected a retention time',
  ],
  [
    'an alarm after 200 missing hours',
    { missing_after_hours: 200 },
    'var.missing_after_hours: Expected a whole number',
  ],
  [
    'the name of a topic instead of its ARN',
    { alarm_topic_arn: 'ops' },
    'var.alarm_topic_arn: Expected the ARN',
  ],
  ['the id of a key instead of its ARN', { secret_key_arn: '1234' }, 'var.secret_key_arn: Expected the ARN'],
  [
    'a bucket as destination',
    { success_destination_arn: 'arn:aws:s3:::b' },
    'var.success_destination_arn: Expected the ARN',
  ],
  [
    'a FIFO topic',
    { notify_topic_arn: 'arn:aws:sns:eu-central-1:1:a.fifo' },
    'var.notify_topic_arn: Expected the ARN',
  ],
  [
    'an alias instead of the ARN of a key',
    { notify_topic_key_arn: 'alias/sns' },
    'var.notify_topic_key_arn: Expected the ARN',
  ],
  [
    'the name of an event bus instead of its ARN',
    { notify_event_bus_arn: 'default' },
    'var.notify_event_bus_arn: Expected the ARN',
  ],
  ['an unknown value for when to notify', { notify_when: 'often' }, 'var.notify_when: Expected always'],
  ['an invalid schedule group', { schedule_group: 'a b' }, 'var.schedule_group: Expected 1 to 64'],
];

describe('the inputs of the Terraform module', () => {
  it.each(invalid)('the Terraform module refuses %s as an input', (_what, change, message) => {
    expect(() => readInputs(module, inputs(change))).toThrow(message);
  });

  it('the Terraform module accepts, in a request, exactly the fields that a user may set', () => {
    const fields = Object.keys(requestSchema.def.shape).filter(
      (field) => !['trigger', 'followUpOf'].includes(field),
    );
    expect(fields.length).toBeGreaterThan(10);
    for (const field of [...fields, '$schema'])
      readInputs(
        module,
        inputs({ schedules: { a: { ...schedule, request: JSON.stringify({ [field]: null }) } } }),
      );
    const { condition = '' } =
      module.variables.schedules?.validation?.find((each) => each.condition.includes('"$schema"')) ?? {};
    const listed = [...condition.matchAll(/"(\w+)"/g)].map(([, name]) => name);
    expect(new Set(listed)).toEqual(new Set(fields));
  });
});

describe('the examples of the Terraform module', () => {
  it.each(examples)(
    'the Terraform example %s gives the module valid inputs, with valid requests',
    async (name) => {
      const { calls } = planOf(
        await readModule(path.join(folder, 'examples', name)),
        exampleInputs[name] ?? {},
        hasAttribute,
      );
      const given = withArns(calls.jobsweep ?? {});
      planOf(module, given, hasAttribute);
      for (const each of Object.values(
        given.schedules as Record<string, { request: string; expression: string }>,
      )) {
        parseRequest(JSON.parse(each.request));
        parseExpression(each.expression);
      }
      if (name === 'complete')
        expect(Object.keys(given).sort()).toEqual(Object.keys(module.variables).sort());
    },
  );

  it('each Terraform example uses the module in this checkout, and reads outputs that exist', async () => {
    for (const name of examples) {
      const example = await readModule(path.join(folder, 'examples', name));
      expect(path.resolve(folder, 'examples', name, String(example.calls.jobsweep?.source))).toBe(folder);
      for (const { value } of Object.values(example.outputs)) {
        const [, output = ''] = /^\$\{module\.jobsweep\.(\w+)\}$/.exec(String(value)) ?? [];
        expect(Object.keys(module.outputs)).toContain(output);
      }
    }
  });

  it.each(['deploy/terraform/README.md', 'docs/deploying.md'])(
    'the Terraform module accepts the example in %s',
    async (name) => {
      const [block = ''] = blocks(page(name), 'hcl');
      const { calls } = planOf(await readModule(folder, besideModule(block)), { package: zip }, hasAttribute);
      planOf(module, calls.jobsweep ?? {}, hasAttribute);
    },
  );
});

const exampleInputs: Readonly<Record<string, Record<string, unknown>>> = {
  complete: { bucket: 'artifacts', secret_key_arn: 'arn:aws:kms:eu-central-1:123456789012:key/1234' },
};

/** Replaces each ARN that only AWS knows with an example ARN. */
const withArns = (inputs: object) =>
  JSON.parse(
    JSON.stringify(inputs).replaceAll(
      /⟦aws_(\w+?)_[\w.]+\.arn⟧/g,
      'arn:aws:$1:eu-central-1:123456789012:example',
    ),
  ) as Record<string, unknown>;

/** A code block of a page, as a file next to the module's files. */
const besideModule = (block: string) => ({ 'example.tf': block });

const terraform = spawnSync('terraform', ['version', '-json'], { encoding: 'utf8' });

/**
 * The invalid inputs in groups, one for each run of Terraform. A run reports all variables with invalid values, but if
 * a value has a wrong type, it reports nothing else. In a group, each variable occurs at most once.
 */
function groupsOf(all: typeof invalid): (typeof invalid)[] {
  const [wrongType, ...others] = all;
  const byVariable = Map.groupBy(others, ([, change]) => Object.keys(change).join());
  const most = Math.max(...[...byVariable.values()].map(({ length }) => length));
  const groups = Array.from({ length: most }, (_, index) =>
    [...byVariable.values()].flatMap((each) => each.slice(index, index + 1)),
  );
  return [wrongType ? [wrongType] : [], ...groups];
}

/** Runs only if terraform is installed. Tests only what works without the provider, so no registry is contacted. */
describe.skipIf(terraform.status !== 0)('the module, evaluated by terraform', { timeout: 120_000 }, () => {
  it('the Terraform module is formatted as `terraform fmt` formats it', () => {
    execFileSync('terraform', ['fmt', '-check', '-diff', '-recursive', folder], { stdio: 'pipe' });
  });

  it('terraform validates the module’s inputs, and computes the same values as the tests’ own evaluator', async () => {
    await using copy = await newFolder();
    for (const name of ['variables.tf', 'locals.tf']) copyFileSync(path.join(folder, name), copy.at(name));
    const run = (...args: string[]) =>
      spawnSync('terraform', args, {
        cwd: copy.path,
        encoding: 'utf8',
        env: { ...process.env, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' },
        input:
          'jsonencode(merge({ for name, text in local.inputs : name => base64encode(text) }, { clusters = local.clusters }))\n',
      });
    expect(run('init', '-backend=false').status).toBe(0);
    expect(run('validate').status).toBe(0);
    const given = inputs({
      schedules: {
        b: {
          ...schedule,
          request: '{"cluster":"logs","exclude":["a<b>"],"fuse":{"maxShare":0.25,"maxJobs":null}}',
        },
        a: { ...schedule, request: '{}' },
      },
    });
    await copy.write('all.tfvars.json', JSON.stringify(given));
    const { stdout, stderr } = run('console', '-var-file=all.tfvars.json');
    const { clusters, ...encoded } = JSON.parse(JSON.parse(stdout || 'null') ?? `"${stderr}"`) as Record<
      string,
      string
    >;
    const { locals } = planOf(module, given, hasAttribute);
    expect(clusters).toEqual(locals.clusters);
    expect(
      Object.fromEntries(
        Object.entries(encoded).map(([name, text]) => [name, Buffer.from(text, 'base64').toString()]),
      ),
    ).toEqual(locals.inputs);
    for (const group of groupsOf(invalid)) {
      const changes = Object.assign({}, ...group.map(([, change]) => change)) as object;
      await copy.write('all.tfvars.json', JSON.stringify(inputs(changes)));
      const refused = run('plan', '-no-color', '-input=false', '-var-file=all.tfvars.json');
      expect(refused.status, group.map(([what]) => what).join()).toBe(1);
      const said = refused.stderr.replaceAll(/[│╷╵]/g, '').replaceAll(/\s+/g, ' ');
      for (const [what, , message] of group) {
        const [, sentence = message] = message.split(': ');
        expect(said, what).toContain(sentence.replace('request is required', '"request" is required'));
      }
    }
  });
});
