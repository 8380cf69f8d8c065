/**
 * @module Sends one message to all configured targets in parallel. A failed notification affects nothing else: it is
 * returned as a problem, and never thrown.
 */
import type { Clock } from '../base/clock.ts';
import { printable } from '../base/text.ts';
import type { Environment, TargetSetting } from '../settings/environment.ts';
import type { ReadSecret } from '../settings/find-connection.ts';
import { DeliveryError, type SendContext } from './delivery.ts';
import { webhookBody } from './event.ts';
import type { Message } from './message.ts';
import { readNotifySettings, type SettingProblem, targetNames } from './notify-settings.ts';
import { slackBody } from './slack.ts';
import { teamsCard } from './teams.ts';
import { post, webhookUrl } from './webhook.ts';

/** The time for one attempt, in milliseconds. */
const attemptMs = 5_000;
/** Minimum time left for a retry, in milliseconds. */
const minAttemptMs = 1_000;

export interface NotifyContext {
  readonly environment: Environment;
  readonly readSecret: ReadSecret;
  /** The system clock in production, because targets are real services. */
  readonly clock: Clock;
  /** The time limit for all targets together, in milliseconds. */
  readonly remainingMs: number;
  /** Aborts to stop waiting for targets. */
  readonly stop?: AbortSignal;
}

export interface NotifyResult {
  /** The targets that accepted the message. */
  readonly sent: readonly string[];
  /** A problem for each target that did not accept the message, and for each invalid setting. */
  readonly problems: readonly SettingProblem[];
}

type Send = (value: string, message: Message, on: SendContext) => Promise<void>;

const targets: Readonly<Record<TargetSetting, Send>> = {
  JOBSWEEP_NOTIFY_SNS_TOPIC_ARN: async (...given) => (await import('./aws-targets.ts')).publish(...given),
  JOBSWEEP_NOTIFY_EVENT_BUS: async (...given) => (await import('./aws-targets.ts')).putEvent(...given),
  JOBSWEEP_NOTIFY_SLACK_URL: (value, message, on) =>
    post({
      url: webhookUrl('JOBSWEEP_NOTIFY_SLACK_URL', value),
      body: slackBody(message),
      ...on,
      isAccepted: (answer) => answer === 'ok',
    }),
  JOBSWEEP_NOTIFY_TEAMS_URL: (value, message, on) =>
    post({ url: webhookUrl('JOBSWEEP_NOTIFY_TEAMS_URL', value), body: teamsCard(message), ...on }),
  JOBSWEEP_NOTIFY_WEBHOOK_URL: (value, message, on) =>
    post({ url: webhookUrl('JOBSWEEP_NOTIFY_WEBHOOK_URL', value), body: webhookBody(message), ...on }),
};

/** Sends the message to all targets. Does not throw, and ends within `remainingMs`. */
export async function notify(message: Message, context: NotifyContext): Promise<NotifyResult> {
  const { clock } = context;
  const end = clock.now() + context.remainingMs;
  if (context.remainingMs < minAttemptMs)
    return { sent: [], problems: [{ target: 'all', why: 'no time was left' }] };
  const { values, problems } = await settingsWithin(attemptMs, context);
  const attempts = Object.entries(values).map(async ([setting, value]) => {
    const send = targets[setting as TargetSetting];
    const why = await deliver(
      (signal) => send(value, message, { signal, environment: context.environment }),
      { clock, end, stop: context.stop },
    );
    return { target: targetNames[setting as TargetSetting], why };
  });
  const results = await Promise.all(attempts);
  const failed = results.flatMap(({ target, why }) => (why === undefined ? [] : [{ target, why }]));
  return {
    sent: results.filter(({ why }) => why === undefined).map(({ target }) => target),
    problems: [...problems, ...failed],
  };
}

/** Reads the settings. Waits at most `ms` for the secret, and then uses the environment alone. */
async function settingsWithin(ms: number, { environment, readSecret, clock, remainingMs }: NotifyContext) {
  using limit = clock.limit(Math.min(ms, remainingMs));
  const { promise: late, reject } = Promise.withResolvers<never>();
  limit.signal.addEventListener('abort', () => reject(new Error('no answer in time')));
  return await readNotifySettings(environment, (name) => Promise.race([readSecret(name), late]));
}

interface Delivery {
  readonly clock: Clock;
  /** The time by which the last attempt must end, in epoch milliseconds. */
  readonly end: number;
  readonly stop: AbortSignal | undefined;
}

/**
 * Sends the message, and retries once if that may help and time is left. Returns the reason if the target did not
 * accept the message.
 */
async function deliver(
  send: (signal: AbortSignal) => Promise<void>,
  { clock, end, stop }: Delivery,
): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    using limit = clock.limit(Math.max(0, Math.min(attemptMs, end - clock.now())));
    try {
      await send(stop ? AbortSignal.any([limit.signal, stop]) : limit.signal);
      return undefined;
    } catch (error) {
      if (stop?.aborted) return 'interrupted';
      // Reports only the error's name, because the message of an unknown error may quote the target's address.
      if (!(error instanceof DeliveryError)) return `unexpected error ${printable((error as Error).name)}`;
      const { message, retryAfterMs } = error;
      if (attempt === 2 || retryAfterMs === undefined) return message;
      if (clock.now() + retryAfterMs + minAttemptMs > end) return `${message}; no time was left to try again`;
      await clock.sleep(retryAfterMs, stop).catch(() => undefined);
      if (stop?.aborted) return message;
    }
  }
}
