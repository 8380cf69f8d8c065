/** @module Tests that the commands, queries and fields in the runbook match what the programs accept and write. */
import { writeFile } from 'node:fs/promises';
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  GetScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { template } from '../../deploy/template.ts';
import { createHandler } from '../../src/function/handler.ts';
import { root } from '../support/bin.ts';
import { newFolder } from '../support/folder.ts';
import { lambdaContext, linesOf } from '../support/lambda.ts';
import { blocks, page } from '../support/markdown.ts';
import { runCommand } from '../support/run-command.ts';
import { runOn } from '../support/run-on.ts';
import { functionArn, roleArn } from '../support/scheduler.ts';
import { schedulesBench } from '../support/schedules-command.ts';
import { busy, idle, type SweepSetup, startSetup } from '../support/sweep-setup.ts';

const text = page('docs/runbook.md');
const serverless = parseYaml(page('serverless.yml')) as {
  service: string;
  params: { default: Record<string, unknown>; prod?: Record<string, unknown> };
};
const lines = blocks(text, 'sh').flatMap((block) => block.trim().split('\n'));

/** The log lines of one invocation of the function. */
async function sweptBy(setup: SweepSetup, event: unknown, requestId = 'request-1') {
  const handler = createHandler({ environment: { ELASTICSEARCH_URL: setup.server.url }, clock: setup.clock });
  return await linesOf(async () => {
    const context = lambdaContext(setup.clock, undefined, requestId);
    await Promise.resolve(handler(event, context, {} as never)).catch(() => undefined);
  });
}

/** The value at a path such as `cluster.name`. Logs Insights uses such paths for fields of nested objects. */
const at = (line: unknown, path: string) =>
  path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], line);

describe('the queries of the runbook', () => {
  it('each field of the queries in the runbook is in a line that the function logs', async () => {
    await using refusing = await startSetup([...busy(2), ...idle(9)]);
    await using failing = await startSetup([...busy(9), ...idle(2)]);
    failing.server.faults.add({ api: 'ml.close_job', status: 500, type: 'e', reason: 'no', times: 50 });
    await using together = await startSetup([
      ...busy(2),
      ...Array.from({ length: 12 }, (_, index) => ({ jobId: `silent-${index}`, lastData: '5d' as const })),
    ]);
    const logged = [
      ...(await sweptBy(refusing, {})),
      ...(await sweptBy(together, {})),
      ...(await sweptBy(failing, {})),
      ...(await sweptBy(refusing, { idelFor: '1h' })),
    ];
    const queries = blocks(text, 'text').filter((block) => block.startsWith('fields '));
    expect(queries.length).toBeGreaterThan(2);
    for (const query of queries) {
      const [, fields = ''] = /^fields (.*?) \|/.exec(query) ?? [];
      for (const field of fields.split(', ').filter((each) => each !== '@timestamp'))
        expect(
          logged.some((line) => at(line, field) !== undefined),
          field,
        ).toBe(true);
    }
  });
});

describe('the commands of the runbook', () => {
  it('each kind of command in the runbook is checked by a test', () => {
    const forms = lines.map((line) =>
      line
        .replace(/^AWS_REGION=\S+ /, '')
        .split(' ')
        .slice(0, 3)
        .join(' '),
    );
    expect(new Set(forms)).toEqual(
      new Set([
        'jobsweep schedules list',
        'jobsweep schedules resume',
        'aws scheduler get-schedule',
        'aws logs tail',
        'aws logs filter-log-events',
        'aws lambda invoke',
        'jobsweep plan -p',
        'jobsweep sweep --plan',
        'jobsweep reopen sweep.json',
      ]),
    );
  });

  it('each command in the sentences of the runbook exists, with its options', async () => {
    const shown = [...text.matchAll(/`(?:AWS_REGION=\S+ )?jobsweep ([a-z][^`]*)`/g)].map(
      ([, args = '']) => args,
    );
    expect(shown.length).toBeGreaterThan(5);
    for (const args of shown) {
      const [command = '', sub = ''] = args.split(' ');
      const help = await runCommand(command === 'schedules' ? [command, sub, '--help'] : [command, '--help']);
      expect(help.exit, args).toBe(0);
      for (const [option] of args.matchAll(/(?<= )--?[a-z][a-z-]*/g))
        expect(help.stdout, args).toContain(option);
    }
  });

  it('the AWS names in the commands of the runbook are those of a deployment with the stage prod', () => {
    const { service, params } = serverless;
    const scheduleGroup = `${service}-prod`;
    const parameters = { ...params.default, ...params.prod, scheduleGroup };
    const { functionName } = template({ service, stage: 'prod', parameters, root, now: Date.now() });
    const named = lines.filter((line) => line.startsWith('aws ')).join('\n');
    for (const [, name] of named.matchAll(/(?:--function-name |\/aws\/lambda\/)(\S+)/g))
      expect(name).toBe(functionName);
    for (const [, name] of lines.join('\n').matchAll(/--group(?:-name)? (\S+)/g))
      expect(name).toBe(scheduleGroup);
  });

  it('the outputs and parameters that the runbook names exist', () => {
    const outputs = [...text.matchAll(/`([A-Z]\w+Queue(?:Arn|Url))`/g)].map(([, name = '']) => name);
    expect(outputs).toHaveLength(2);
    for (const name of outputs) expect(page('serverless.yml')).toContain(`    ${name}:\n`);
    const parameters = [...text.matchAll(/parameter `(\w+)`/g)].map(([, name = '']) => name);
    expect(parameters.length).toBeGreaterThan(1);
    for (const name of parameters) expect(serverless.params.default).toHaveProperty(name);
  });

  it('after a refused sweep, the commands in the runbook resume the schedule, and close the idle jobs if the limit in request.json is raised enough', async () => {
    await using bench = await schedulesBench();
    await using setup = await startSetup([...busy(5), ...idle(9)], {}, { clock: bench.clock });
    await using folder = await newFolder();
    await bench.client.send(new CreateScheduleGroupCommand({ Name: 'jobsweep-prod' }));
    const input = {
      exclude: ['idle-1'],
      trigger: {
        scheduleArn: '<aws.scheduler.schedule-arn>',
        scheduledTime: '<aws.scheduler.scheduled-time>',
      },
    };
    await bench.client.send(
      new CreateScheduleCommand({
        Name: 'nightly',
        GroupName: 'jobsweep-prod',
        State: 'DISABLED',
        ScheduleExpression: 'rate(1 day)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: { Arn: functionArn, RoleArn: roleArn, Input: JSON.stringify(input) },
      }),
    );
    // runs the commands about the state of the schedule
    const schedules = lines
      .filter((line) => line.includes('jobsweep schedules '))
      .map((line) =>
        line
          .replace(/^.*jobsweep /, '')
          .replace('NAME', 'nightly')
          .split(' '),
      );
    const env = { JOBSWEEP_FUNCTION_ARN: functionArn };
    const [listed, resumed] = [
      await runCommand(schedules[0] ?? [], { clock: bench.clock, env: {} }),
      await runCommand(schedules[1] ?? [], { clock: bench.clock, env }),
    ];
    expect([listed.exit, listed.stdout]).toEqual([0, expect.stringContaining('nightly')]);
    expect([resumed.exit, resumed.stderr]).toEqual([0, '']);
    // the log line about the refusal links to the runbook
    const refused = (await sweptBy(setup, input)).find(({ message }) => message === 'sweep finished');
    expect(refused).toMatchObject({
      status: 'refused',
      runbook: expect.stringMatching(/#refused-max_share$/),
    });
    // runs the commands that use request.json, in which the limit is raised
    const { Target } = await bench.client.send(
      new GetScheduleCommand({ Name: 'nightly', GroupName: 'jobsweep-prod' }),
    );
    const request = JSON.parse(Target?.Input ?? '') as object;
    const commands = lines
      .filter((line) => /^jobsweep (plan|sweep) /.test(line))
      .map((line) =>
        line
          .replace(/\w+\.json/g, (name) => folder.at(name))
          .split(' ')
          .slice(1),
      );
    const run = async (maxShare: number) => {
      await writeFile(folder.at('request.json'), JSON.stringify({ ...request, fuse: { maxShare } }));
      const exits: number[] = [];
      for (const args of commands)
        exits.push((await runOn(setup, [...args, ...(args[0] === 'sweep' ? ['--yes'] : [])])).exit);
      return exits;
    };
    const closed = () => setup.closes().flat().sort();
    expect(await run(0.5)).toEqual([4, 2]);
    expect(closed()).toEqual([]);
    expect(await run(0.9)).toEqual([0, 0]);
    expect(closed()).toEqual([0, 2, 3, 4, 5, 6, 7, 8].map((index) => `idle-${index}`));
  });

  it('the commands in the runbook undo both a sweep by the function and the follow-up that closed the remaining jobs', async () => {
    await using setup = await startSetup([...busy(5), ...idle(2)]);
    await using folder = await newFolder();
    const first = await sweptBy(setup, { jobs: 'idle-0' });
    await setup.clock.advance(60_000);
    const chain = { sweepId: 'request-1', round: 1, rest: true };
    const rest = await sweptBy(setup, { followUpOf: { ...chain, jobs: [] } }, 'request-2');
    expect([setup.state('idle-0'), setup.state('idle-1')]).toEqual(['closed', 'closed']);
    const filter = lines.find((line) => line.startsWith('aws logs filter-log-events')) ?? '';
    const paths = [...filter.matchAll(/\(\$\.(\S+) = "…"\)/g)].map(([, path = '']) => path);
    expect(filter).toContain('--region eu-central-1 ');
    expect(filter).toContain(`'{ ${paths.map((path) => `($.${path} = "…")`).join(' || ')} }'`);
    // the output that `aws logs filter-log-events` has with the filter pattern of the runbook
    const events = [...first, ...rest]
      .filter((line) => paths.some((path) => at(line, path) === 'request-1'))
      .map((line) => ({ logStreamName: 's', timestamp: 0, message: JSON.stringify(line) }));
    await writeFile(folder.at('sweep.json'), JSON.stringify({ events, searchedLogStreams: [] }));
    const [, ...args] = (lines.find((line) => line.startsWith('jobsweep reopen')) ?? '')
      .replace('sweep.json', folder.at('sweep.json'))
      .split(' ');
    const { exit } = await runOn(setup, [...args, '--yes']);
    expect(exit).toBe(0);
    expect([setup.state('idle-0'), setup.state('idle-1')]).toEqual(['opened', 'opened']);
  });
});
