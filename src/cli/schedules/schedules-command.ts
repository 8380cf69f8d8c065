/** @module `jobsweep schedules`: recurring schedules from a file, through EventBridge Scheduler. */
import type { Command } from 'commander';
import { schedulerApi } from '../../scheduler/api.ts';
import { ownerOf } from '../../scheduler/schedule-names.ts';
import { planSchedules, type SchedulePlan } from '../../scheduler/schedule-plan.ts';
import { listSettings, ownSettings, targetOf } from '../../settings/scheduler-settings.ts';
import type { Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { confirmed, mustAskOrHave } from '../input/ask.ts';
import { type ExitCode, type Io, widthOf } from '../io.ts';
import { checkOutput, type OutputOptions, withOutputOptions, writeResult } from '../output/output.ts';
import {
  applyPlan,
  changeState,
  type Done,
  deleteNamed,
  listGroup,
  type OwnSchedulesContext,
  type SchedulesContext,
} from './change-schedules.ts';
import { type ReadSchedules, readSchedules } from './read-schedule-file.ts';
import { listRenderings, planRenderings, planText, resultRenderings } from './schedules-text.ts';

interface GroupOptions extends OutputOptions {
  readonly group?: string;
}
interface FileOptions extends GroupOptions {
  readonly file: string;
  readonly prune?: boolean;
}
interface YesOption {
  readonly yes?: boolean;
}

export const registerSchedules: Register = (program, context) => {
  const schedules = program
    .command('schedules')
    .description('recurring sweeps from a file, through EventBridge Scheduler');
  withExamples(schedules, [
    ['jobsweep schedules plan -f deploy/schedules.yml', 'what apply would change'],
    ['jobsweep schedules pause nightly --group jobsweep', 'no sweeps of this schedule until it is resumed'],
  ]);
  registerFileCommands(schedules, context);
  registerNameCommands(schedules, context);
};

/** The commands that read the group, or change it to match a file. */
const registerFileCommands: Register = (schedules, { io, action }) => {
  withExamples(
    withGroup(schedules.command('list'))
      .description('the schedules of the group, and when each runs next')
      .action(action((options: GroupOptions) => list(options, io))),
    [
      ['jobsweep schedules list', 'the schedules of the group in JOBSWEEP_SCHEDULE_GROUP'],
      ['jobsweep schedules list --group jobsweep -o json', 'those of another group, for a script'],
    ],
  );
  withExamples(
    withFile(schedules.command('plan'))
      .description('what apply would change, field by field; changes nothing')
      .action(action((options: FileOptions) => plan(options, io))),
    [
      ['jobsweep schedules plan -f deploy/schedules.yml', 'compare the file with its group'],
      ['jobsweep schedules plan -f deploy/schedules.yml --prune', 'also show what is only in the group'],
    ],
  );
  withExamples(
    withFile(schedules.command('apply'))
      .description('change the group to match the file; shows the plan and asks first')
      .option('--yes', 'do not ask')
      .action(action((options: FileOptions & YesOption) => apply(options, io))),
    [
      ['jobsweep schedules apply -f deploy/schedules.yml', 'show the changes, ask, and make them'],
      [
        'jobsweep schedules apply -f deploy/schedules.yml --prune --yes',
        'without a question, and delete what is not in the file',
      ],
    ],
  );
};

/** The commands that change schedules by name. */
const registerNameCommands: Register = (schedules, { io, action }) => {
  withExamples(
    withGroup(schedules.command('pause'))
      .description('pause schedules; sweeps missed meanwhile are not made up for')
      .argument('<names...>')
      .option('--yes', 'do not ask, which it does for follow-ups and what the deployment declares')
      .action(
        action((names: string[], options: GroupOptions & YesOption) => setState(names, 'pause', options, io)),
      ),
    [
      ['jobsweep schedules pause nightly', 'no sweeps of this schedule until it is resumed'],
      ['jobsweep schedules pause nightly hourly --group jobsweep', 'two schedules of another group'],
    ],
  );
  withExamples(
    withGroup(schedules.command('resume'))
      .description('resume paused schedules')
      .argument('<names...>')
      .action(action((names: string[], options: GroupOptions) => setState(names, 'resume', options, io))),
    [
      ['jobsweep schedules resume nightly', 'sweep again from its next time on'],
      ['jobsweep schedules resume nightly hourly --group jobsweep', 'two schedules of another group'],
    ],
  );
  withExamples(
    withGroup(schedules.command('delete'))
      .description('delete schedules; asks first')
      .argument('<names...>')
      .option('--yes', 'do not ask')
      .action(
        action((names: string[], options: GroupOptions & YesOption) => deleteAfterAsking(names, options, io)),
      ),
    [
      ['jobsweep schedules delete nightly', 'ask, and delete one schedule'],
      ['jobsweep schedules delete nightly hourly --yes', 'delete two without a question'],
    ],
  );
};

function withGroup(command: Command): Command {
  return withOutputOptions(
    command
      .optionsGroup(ownOptions)
      .option('--group <name>', 'the schedule group (else the file’s, else JOBSWEEP_SCHEDULE_GROUP)'),
  ).optionsGroup(ownOptions);
}

const ownOptions = 'Schedules:';

function withFile(command: Command): Command {
  return withGroup(command)
    .requiredOption('-f, --file <file>', 'the schedules, as YAML or JSON; - is JSON from standard input')
    .option('--prune', 'also delete schedules that are in the group but not in the file');
}

async function list(options: GroupOptions, io: Io): Promise<ExitCode> {
  const { group, functionArn } = listSettings(options.group, io.env);
  const context = contextOf(group, io);
  await checkOutput(options);
  const schedules = await listGroup(context, functionArn);
  const renderings = listRenderings(context.group, schedules, widthOf(io.stdout));
  return await writeResult(renderings, options, io, { exit: 0 });
}

async function plan(options: FileOptions, io: Io): Promise<ExitCode> {
  await checkOutput(options);
  const { planned } = await planFile(await readSchedules(options.file, io), options, io);
  return await writeResult(planRenderings(planned), options, io, { exit: 0 });
}

async function apply(options: FileOptions & YesOption, io: Io): Promise<ExitCode> {
  // Validates first, so that a faulty file is reported even without a terminal for the question.
  const read = await readSchedules(options.file, io);
  mustAskOrHave(options.yes, 'schedules apply', io);
  await checkOutput(options);
  const { planned, context } = await planFile(read, options, io);
  const pending = planned.changes.filter(({ action }) => action !== 'none' && action !== 'blocked').length;
  if (pending > 0 || planned.createGroup) {
    io.stderr.write(planText(planned));
    if (!options.yes && !(await confirmed('Apply this?', io))) {
      io.stderr.write('nothing was changed\n');
      return 4;
    }
  }
  return await finish(options, io, context.group, await applyPlan(planned, context));
}

async function setState(
  names: readonly string[],
  action: 'pause' | 'resume',
  options: GroupOptions & YesOption,
  io: Io,
): Promise<ExitCode> {
  const context = ownContextOf(options, io);
  const warnings = action === 'pause' ? names.flatMap(pauseWarning) : [];
  if (warnings.length > 0) mustAskOrHave(options.yes, 'schedules pause', io);
  await checkOutput(options);
  const done = await changeState(names, action, context, async () => {
    for (const warning of warnings) io.stderr.write(`${warning}\n`);
    return warnings.length === 0 || options.yes || (await confirmed(`Pause ${names.join(', ')}?`, io));
  });
  if (done) return await finish(options, io, context.group, done);
  io.stderr.write('nothing was paused\n');
  return 4;
}

/** The warning to show before a schedule of the deployment or a follow-up is paused; empty for other schedules. */
function pauseWarning(name: string): string[] {
  switch (ownerOf(name)) {
    case 'deployment':
      return [`${name} belongs to the deployment: a later deployment may resume it`];
    case 'follow-up':
      return [withoutFollowUp(name)];
    case 'file':
      return [];
  }
}

const withoutFollowUp = (name: string) =>
  `${name} is a follow-up: without it, the jobs that its sweep left closing wait for the next sweep`;

async function deleteAfterAsking(
  names: readonly string[],
  options: GroupOptions & YesOption,
  io: Io,
): Promise<ExitCode> {
  const context = ownContextOf(options, io);
  mustAskOrHave(options.yes, 'schedules delete', io);
  await checkOutput(options);
  const done = await deleteNamed(names, context, async () => {
    for (const name of names)
      if (ownerOf(name) === 'follow-up') io.stderr.write(`${withoutFollowUp(name)}\n`);
    if (options.yes) return true;
    return await confirmed(`Delete ${names.join(', ')} of group ${context.group}?`, io);
  });
  if (done) return await finish(options, io, context.group, done);
  io.stderr.write('nothing was deleted\n');
  return 4;
}

async function planFile(
  { file, expand }: ReadSchedules,
  options: FileOptions,
  io: Io,
): Promise<{ readonly planned: SchedulePlan; readonly context: OwnSchedulesContext }> {
  const target = targetOf(file, options.group, io.env);
  const context = { ...contextOf(target.group, io), functionArn: target.functionArn };
  const planned = await planSchedules(context.api, await expand(), target, {
    now: io.clock.now(),
    prune: options.prune ?? false,
    signal: io.signal,
  });
  return { planned, context };
}

function ownContextOf(options: GroupOptions, io: Io): OwnSchedulesContext {
  const { group, functionArn } = ownSettings(options.group, io.env);
  return { ...contextOf(group, io), functionArn };
}

const contextOf = (group: string, { clock, env, signal }: Io): SchedulesContext => ({
  api: schedulerApi({ clock, environment: env }),
  clock,
  group,
  signal,
});

async function finish(
  options: GroupOptions,
  io: Io,
  group: string,
  { results, exit }: Done,
): Promise<ExitCode> {
  return await writeResult(resultRenderings(group, results), options, io, { exit, changes: true });
}
