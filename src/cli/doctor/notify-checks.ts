/** @module Checks the settings and the targets of notifications, without sending a message. */
import { systemClock } from '../../base/system-clock.ts';
import { plural, printable } from '../../base/text.ts';
import { wayTo } from '../../base/way-out.ts';
import { DeliveryError } from '../../notify/delivery.ts';
import type { TargetState } from '../../notify/examine-targets.ts';
import { notifyWhen, notifyWhens, readNotifySettings, targetNames } from '../../notify/notify-settings.ts';
import { webhookUrl } from '../../notify/webhook.ts';
import type { Environment, TargetSetting } from '../../settings/environment.ts';
import { secretReader } from '../../settings/secrets.ts';
import type { NotifyWhen } from '../../sweep/request/request-schema.ts';
import { type Finding, finding, note, ok } from './finding.ts';
import { hopFindings } from './hops.ts';

const check = 'notifications';

/** Limit for checking one target, in milliseconds. */
const maxLookMs = 5_000;

/** Changes nothing and sends no message. Returns no findings if no setting asks for messages. */
export async function notifyFindings(
  environment: Environment,
  wanted: NotifyWhen | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { values, problems } = await readNotifySettings(environment, secretReader(systemClock, environment));
  const wrong = problems.map(({ why }) => finding(check, printable(why), 'Correct this setting.'));
  const set = Object.entries(values) as [TargetSetting, string][];
  if (set.length === 0) {
    const isAskedFor = Object.keys(environment).some((name) => name.startsWith('JOBSWEEP_NOTIFY_'));
    return wrong.length > 0 || !isAskedFor ? wrong : [note(check, 'no target is set, so no message is sent')];
  }
  const targets = await Promise.all(
    set.map(([setting, value]) => targetFindings(setting, value, { environment, signal })),
  );
  const when = notifyWhen(wanted, environment);
  return [
    ...wrong,
    ...targets,
    note(
      check,
      `${when === 'never' ? 'none is sent: the setting is never' : `sent ${notifyWhens[when]}`}. Only a message shows whether a target accepts it, and whether the function may send it`,
      'To try it without closing anything: invoke the function with {"dryRun": true, "notify": {"when": "always"}}.',
    ),
  ];
}

interface Looking {
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

async function targetFindings(setting: TargetSetting, value: string, on: Looking): Promise<Finding> {
  const name = `notify ${targetNames[setting]}`;
  try {
    switch (setting) {
      case 'JOBSWEEP_NOTIFY_SNS_TOPIC_ARN':
      case 'JOBSWEEP_NOTIFY_EVENT_BUS':
        return awsFinding(name, value, await look(setting, value, on));
      default:
        return await webhookFinding(name, webhookUrl(setting, value), on);
    }
  } catch (error) {
    on.signal.throwIfAborted();
    if (!(error instanceof DeliveryError)) throw error;
    return finding(name, error.message, `Correct ${setting}.`);
  }
}

async function look(setting: TargetSetting, value: string, { environment, signal }: Looking) {
  const { examineBus, examineTopic } = await import('../../notify/examine-targets.ts');
  using limit = systemClock.limit(maxLookMs);
  const examine = setting === 'JOBSWEEP_NOTIFY_EVENT_BUS' ? examineBus : examineTopic;
  return await examine(value, { environment, signal: AbortSignal.any([signal, limit.signal]) });
}

function awsFinding(name: string, value: string, found: TargetState): Finding {
  const shown = printable(value);
  switch (found.state) {
    case 'exists':
      if (found.topic?.subscriptions === 0)
        return finding(
          name,
          `${shown} exists, but has no confirmed subscription: nobody gets its messages`,
          'Subscribe an address or a chat, and confirm the subscription.',
        );
      return ok(name, [`${shown} exists`, ...topicWords(found.topic)].join('; '));
    case 'missing':
      return finding(
        name,
        `${shown} does not exist (${found.why})`,
        'Create it, or correct its name, account and region.',
      );
    case 'unreadable':
      return note(
        name,
        `${shown}: these credentials may not look at it (${found.why}), which does not mean that they may not send`,
      );
    case 'failed':
      return finding(
        name,
        `${shown} could not be looked up: ${found.why}`,
        'Check the credentials of AWS, the region, and the network.',
      );
  }
}

function topicWords(topic: (TargetState & { state: 'exists' })['topic']): string[] {
  if (!topic) return [];
  const { subscriptions, keyId } = topic;
  return [
    ...(subscriptions === undefined ? [] : [plural(subscriptions, 'confirmed subscription')]),
    ...(keyId ? [`encrypted with ${printable(keyId)}, which the sender must be allowed to use`] : []),
  ];
}

/**
 * Shows only the host, because the URL is a secret. Sends no request, because any request to the URL posts a message.
 */
async function webhookFinding(name: string, url: URL, { environment, signal }: Looking): Promise<Finding> {
  const hops = await hopFindings(url, wayOf(url, environment), signal);
  const failed = hops.find(({ found }) => found.startsWith('failed: '));
  if (failed)
    return finding(
      name,
      `${url.host} cannot be reached: ${failed.check} ${failed.found}`,
      failed.advice ?? 'Check the network.',
    );
  return ok(name, `${url.host} can be reached; whether it accepts messages is not checked`);
}

/**
 * The route to a URL, through a proxy if one is set.
 * @throws {DeliveryError} for an invalid proxy setting; the message never contains the password.
 */
function wayOf(url: URL, environment: Environment) {
  try {
    return wayTo(url, environment);
  } catch (error) {
    throw new DeliveryError((error as Error).message);
  }
}
