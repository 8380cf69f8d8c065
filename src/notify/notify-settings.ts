/**
 * @module The settings of notifications: where they are sent and when. No message of this module contains a webhook's
 * address.
 */
import { printable, quote } from '../base/text.ts';
import type { Environment, notifyOptions, TargetSetting } from '../settings/environment.ts';
import type { ReadSecret } from '../settings/find-connection.ts';
import type { NotifyWhen } from '../sweep/request/request-schema.ts';

/** The short names of the targets, for messages. */
export const targetNames: Readonly<Record<TargetSetting, string>> = {
  JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: 'sns',
  JOBSWEEP_NOTIFY_EVENT_BUS: 'events',
  JOBSWEEP_NOTIFY_SLACK_URL: 'slack',
  JOBSWEEP_NOTIFY_TEAMS_URL: 'teams',
  JOBSWEEP_NOTIFY_WEBHOOK_URL: 'webhook',
};

/** When a sweep notifies. */
export const notifyWhens: Readonly<Record<NotifyWhen, string>> = {
  always: 'after every sweep',
  changes: 'after a sweep that changed something, is partial, was refused or failed',
  problems: 'after a sweep that is partial, was refused or failed',
  never: 'never',
};

const prefix = 'JOBSWEEP_NOTIFY_';
// Repeats the names in environment.ts instead of importing them, because the bundle of the function would then contain
// the texts for the reference page.
const targetSettings = Object.keys(targetNames) as TargetSetting[];
const optionSettings = Object.keys({
  JOBSWEEP_NOTIFY_WHEN: true,
  JOBSWEEP_NOTIFY_SECRET: true,
} satisfies Record<keyof typeof notifyOptions, true>);
const known: readonly string[] = [...targetSettings, ...optionSettings];

/** A problem with one setting or target. The message is still sent to the other targets. */
export interface SettingProblem {
  readonly target: string;
  readonly why: string;
}

export interface NotifySettings {
  readonly values: { readonly [name in TargetSetting]?: string };
  readonly problems: readonly SettingProblem[];
}

/**
 * When to notify: the request decides, otherwise JOBSWEEP_NOTIFY_WHEN. An invalid value of the variable counts as not
 * set; `readNotifySettings` reports it as a problem.
 */
export function notifyWhen(requested: NotifyWhen | undefined, environment: Environment): NotifyWhen {
  const given = environment.JOBSWEEP_NOTIFY_WHEN?.trim() ?? '';
  return requested ?? (isWhen(given) ? given : 'changes');
}

const isWhen = (text: string): text is NotifyWhen => Object.hasOwn(notifyWhens, text);

/** The settings from the environment; the secret adds those that the environment does not set. Does not throw. */
export async function readNotifySettings(
  environment: Environment,
  readSecret: ReadSecret,
): Promise<NotifySettings> {
  const problems = [...unknownNames(environment, 'the environment'), ...invalidWhen(environment)];
  const values = { ...(await secretValues(environment, readSecret, problems)) };
  for (const name of targetSettings) {
    const value = environment[name]?.trim();
    if (value) values[name] = value;
  }
  return { values, problems };
}

function invalidWhen({ JOBSWEEP_NOTIFY_WHEN: given }: Environment): SettingProblem[] {
  if (!given?.trim() || isWhen(given.trim())) return [];
  return [
    {
      target: 'settings',
      why: `JOBSWEEP_NOTIFY_WHEN: expected one of ${Object.keys(notifyWhens).join(', ')}, got ${quote(given)}`,
    },
  ];
}

/** The problems with unknown names. If they were not reported, a misspelt name would silently disable a target. */
function unknownNames(values: Readonly<Record<string, unknown>>, where: string): SettingProblem[] {
  return Object.keys(values)
    .filter((name) => name.toUpperCase().startsWith(prefix) && !known.includes(name))
    .map((name) => ({
      target: 'settings',
      why: `${where} has the unknown setting ${quote(name)}; the known ones are ${known.join(', ')}`,
    }));
}

/** The targets that the secret names. Adds any errors in the secret to `problems`. */
async function secretValues(
  environment: Environment,
  readSecret: ReadSecret,
  problems: SettingProblem[],
): Promise<{ [name in TargetSetting]?: string }> {
  const own = environment.JOBSWEEP_NOTIFY_SECRET?.trim();
  const name = own || environment.ELASTICSEARCH_SECRET?.trim();
  if (!name) return {};
  const where = `the secret ${quote(name)}`;
  const problem = (why: string) => problems.push({ target: 'settings', why: `${where} ${why}` });
  let parsed: unknown;
  try {
    parsed = JSON.parse((await readSecret(name)).replace(/^\uFEFF/, ''));
  } catch (error) {
    // ELASTICSEARCH_SECRET is for the cluster `default`. If all clusters have other names, the secret need not exist.
    if (!own && (error as Error).name === 'ResourceNotFoundException') return {};
    // A parser's message quotes its input, which may be the secret.
    const why = error instanceof SyntaxError || !(error instanceof Error) ? 'it is not JSON' : error.message;
    problem(`cannot be read for notifications (${printable(why)})`);
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    problem('is not a JSON object');
    return {};
  }
  const fields = parsed as Readonly<Record<string, unknown>>;
  problems.push(...unknownNames(fields, where));
  const values: { [name in TargetSetting]?: string } = {};
  for (const setting of targetSettings) {
    const value = fields[setting];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value === 'string') values[setting] = value.trim();
    else problem(`: ${setting} is not a string`);
  }
  return values;
}
