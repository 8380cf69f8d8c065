/**
 * @module The property that must hold if a schedule file is corrupted. `jobsweep schedules plan --prune` compares the
 * file with the schedules in an embedded Scheduler.
 */
import { CreateScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import * as fc from 'fast-check';
import { startScheduler } from '../../simulator/index.ts';
import { readDocument } from '../../src/cli/input/document.ts';
import { toOrder } from '../../src/scheduler/definition.ts';
import { readScheduleFile } from '../../src/scheduler/schedule-file.ts';
import { create, sdkClient } from '../../test/support/scheduler.ts';
import { type Bench, endedBadly, openBench } from './command.ts';
import { type CorruptedFile, corruptedFile, fileThings, writeCorrupted } from './corrupted-file.ts';
import { anyCron } from './crons.ts';
import { decoded, isObject, type Json, type JsonObject, valueAt } from './json.ts';
import { badInput } from './property.ts';
import { readByHand } from './request-reading.ts';
import { validRequest } from './requests.ts';

const arn = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`;
const settings = {
  JOBSWEEP_SCHEDULE_GROUP: 'sweeps',
  JOBSWEEP_FUNCTION_ARN: arn('lambda', 'function:jobsweep'),
  JOBSWEEP_SCHEDULER_ROLE_ARN: 'arn:aws:iam::123456789012:role/jobsweep-scheduler',
};

const goodTimes = fc.constantFrom<JsonObject>(
  { cron: '0 2 * * ? *' },
  { cron: '15 0/6 ? * MON-FRI *', timezone: 'Europe/Berlin' },
  { cron: '0 2 L 2 ? *' },
  { cron: '0 0 29 2 ? *' },
  { cron: '0 3 ? * FRI#2 2030' },
  { rate: '12 hours', start: '2027-01-01T00:00:00Z', end: '2027-06-01T00:00:00+02:00' },
  { at: '2026-12-01T02:00:00', timezone: 'America/New_York', afterCompletion: 'delete' },
);

const zones = ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Africa/Casablanca'];
const times: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 5, arbitrary: goodTimes },
  {
    weight: 1,
    arbitrary: fc.record({ cron: anyCron, timezone: fc.constantFrom(...zones) }, { noNullPrototype: true }),
  },
);

const schedule = fc
  .record(
    {
      times,
      name: fc.constantFrom('nightly', 'weekly', 'constructor', 'a.b-c_d'),
      request: validRequest,
      more: fc.record(
        {
          description: fc.constant('at night'),
          window: fc.constantFrom('15m', '24h'),
          state: fc.constantFrom('enabled', 'paused'),
          retry: fc.constantFrom<JsonObject>({}, { maxAge: '60s', attempts: 0 }),
          deadLetterArn: fc.constantFrom(null, arn('sqs', 'jobsweep-undelivered')),
          kmsKeyArn: fc.constant(arn('kms', 'key/1234')),
        },
        { requiredKeys: [], noNullPrototype: true },
      ),
    },
    { noNullPrototype: true },
  )
  .map(({ times: when, name, request, more }): Json => ({ name, ...when, request, ...(more as JsonObject) }));

const file: fc.Arbitrary<Json> = fc
  .record({
    schedules: fc.uniqueArray(schedule, {
      maxLength: 3,
      selector: (each) => (each as { name: string }).name,
    }),
    more: fc.constantFrom<JsonObject>({}, { group: 'sweeps', deadLetterArn: null }, { $schema: 'x' }),
  })
  .map(({ schedules, more }) => ({ ...more, schedules }));

interface ScheduleBench extends Bench {
  /** The number of requests so far that could change something. */
  readonly writes: () => number;
  readonly asked: () => number;
}

/** The schedules that `--prune` may delete. The deployment's own schedules and follow-ups are not among them. */
const ofFile = ['old', 'nightly'];

export const scheduleFile = badInput<CorruptedFile, ScheduleBench>({
  name: 'schedule-file',
  sentence:
    'a corrupted schedule file is refused with the location of each mistake before anything is sent, or planned with valid requests that mean what the file says; schedules of other owners are never deleted',
  outcomes: ['planned', 'refused', 'deletes what is left out'],
  toMeet: [...fileThings, 'corrupted and planned'],
  enough: 2_000,
  given: corruptedFile(file),
  open: openScheduleBench,
  attempt: async (given, meet, bench) => {
    const { bytes, value } = writeCorrupted(given, meet);
    const path = await bench.write(`schedules.${given.form === 'yaml' ? 'yml' : 'json'}`, bytes);
    const [asked, writes] = [bench.asked(), bench.writes()];
    const result = await bench.run(['schedules', 'plan', '--prune', '-f', path]);
    const problems = endedBadly(result);
    if (bench.writes() > writes) problems.push('a plan changed the Scheduler');
    if (result.exit === 2) {
      meet('refused');
      // a message about a missing setting names no line and column, because the setting is not in the file
      const hasPlace =
        result.stderr.includes(path) ||
        /got nothing; set it in the schedule file|, got "/.test(result.stderr);
      if (!hasPlace) problems.push(`the message has no place: ${result.stderr.slice(0, 300)}`);
      return bench.asked() > asked
        ? [...problems, 'the Scheduler received a request although the file is refused']
        : problems;
    }
    if (result.exit !== 0)
      return [...problems, `it ended with ${result.exit}: ${result.stderr.slice(0, 500)}`];
    meet('planned');
    if (given.corruptions.length + given.textCorruptions.length > 0) meet('corrupted and planned');
    const { changes } = JSON.parse(result.stdout) as { changes: { name: string; action: string }[] };
    const deleted = changes.filter(({ action }) => action === 'delete').map(({ name }) => name);
    if (deleted.includes('nightly')) meet('deletes what is left out');
    const foreign = deleted.filter((name) => !ofFile.includes(name));
    if (foreign.length > 0) problems.push(`it would delete ${foreign.join(', ')}, which is not the file's`);
    return [...problems, ...saysWhatTheFileSays(bytes, path, value)];
  },
});

/** Checks that each planned Input is a valid request, and that it means the same as the request in the file. */
function saysWhatTheFileSays(bytes: Buffer, path: string, known: Json | undefined): string[] {
  const { schedules } = readScheduleFile(readDocument(decoded(bytes), path).value);
  return schedules.flatMap((definition, index) => {
    const order = toOrder(definition, {
      group: 'g',
      functionArn: 'f',
      roleArn: 'r',
      deadLetterArn: undefined,
      kmsKeyArn: undefined,
    });
    const input = JSON.parse(order.Target?.Input ?? '') as JsonObject;
    const meant = readByHand(input);
    if (meant.wrong) return [`schedules[${index}] would send what is not valid in ${meant.wrong.join(', ')}`];
    if (known === undefined) return [];
    const written = valueAt(known, ['schedules', index, 'request']) ?? null;
    const said = readByHand(isObject(written) ? { ...written, trigger: input.trigger ?? null } : written);
    return JSON.stringify(said) === JSON.stringify(meant)
      ? []
      : [`schedules[${index}] says ${JSON.stringify(said)}, and sends ${JSON.stringify(meant)}`];
  });
}

async function openScheduleBench(): Promise<ScheduleBench> {
  const bench = await openBench();
  Object.assign(bench.env, settings);
  const scheduler = bench.stack.use(await startScheduler({ clock: bench.clock }));
  bench.stack.use(
    setVariables({
      AWS_ENDPOINT_URL_SCHEDULER: scheduler.url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'AKIDTEST',
      AWS_SECRET_ACCESS_KEY: 'not-a-secret',
    }),
  );
  const client = sdkClient(scheduler.url);
  await client.send(new CreateScheduleGroupCommand({ Name: settings.JOBSWEEP_SCHEDULE_GROUP }));
  for (const Name of [...ofFile, 'followup.default.0123456789.1', 'stack.hourly'])
    await create(client, { Name, GroupName: settings.JOBSWEEP_SCHEDULE_GROUP });
  client.destroy();
  return Object.assign(bench, {
    asked: () => scheduler.requests.length,
    writes: () => scheduler.requests.filter(({ method }) => method !== 'GET').length,
  });
}

/** Sets environment variables until it is disposed. The SDK reads them directly from `process.env`. */
function setVariables(variables: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return {
    [Symbol.dispose]: () => {
      for (const [name, value] of before)
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
    },
  };
}
