/** @module Notifies about sweeps that the command runs. A failed notification only causes a line on standard error. */
import { hostname } from 'node:os';
import { systemClock } from '../../base/system-clock.ts';
import { printable } from '../../base/text.ts';
import { type ClusterSweep, clustersMessage } from '../../notify/clusters-message.ts';
import { mayNotify } from '../../notify/may-notify.ts';
import { code, type Message } from '../../notify/message.ts';
import { notify } from '../../notify/notify.ts';
import { notifyWhen } from '../../notify/notify-settings.ts';
import { failureMessage, shouldNotify, sweepMessage } from '../../notify/sweep-message.ts';
import { secretReader } from '../../settings/secrets.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';
import { runbookSection } from '../../sweep/reporting/runbook.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import { failureOf } from '../failure.ts';
import type { Io } from '../io.ts';

export interface AnnounceOptions {
  readonly embedded?: boolean;
  readonly outputFile?: string;
}

/** Limits for notifying, in milliseconds: normally, and after a signal (the command must end within 10 s). */
const maxMs = 12_000;
const maxMsAfterStop = 2_000;

/** Notifies about a sweep if the request or the environment asks for it. `keptAt` is the file with the report. */
export async function announceSweep(
  { report, keptAt }: { readonly report: SweepReport; readonly keptAt: string | undefined },
  { notify: wanted }: SweepRequest,
  options: AnnounceOptions,
  io: Io,
): Promise<void> {
  const message = () =>
    shouldNotify(report, notifyWhen(wanted?.when, io.env))
      ? sweepMessage(report, whereOf(options.outputFile ?? keptAt))
      : undefined;
  await send(message, options, io);
}

/** Sends one message about the sweeps of all clusters. */
export async function announceAll(
  sweeps: readonly ClusterSweep[],
  { notify: wanted }: SweepRequest,
  options: AnnounceOptions,
  io: Io,
): Promise<void> {
  const when = notifyWhen(wanted?.when, io.env);
  await send(() => clustersMessage(sweeps, when, whereOf(options.outputFile)), options, io);
}

/** Notifies about a command that failed, unless a person sees the failure at a terminal or has stopped the command. */
export async function announceFailure(
  error: unknown,
  request: SweepRequest | undefined,
  options: AnnounceOptions,
  io: Io,
): Promise<void> {
  const isSeen = io.stdin.isTTY && io.stderr.isTTY;
  if (isSeen || io.signal.aborted || notifyWhen(request?.notify?.when, io.env) === 'never') return;
  const { type: name, reason: message, exit } = failureOf(error, io.signal);
  const of = { cluster: request?.cluster };
  await send(() => failureMessage({ name, message, exit }, of, [`On ${code(hostname())}`]), options, io);
}

const whereOf = (file: string | undefined): string[] =>
  file === undefined ? [`On ${code(hostname())}`] : [`Report: ${code(file, 300)} on ${code(hostname())}`];

/** Does not throw, because a notification must not change the exit code of a sweep. */
async function send(
  makeMessage: () => Message | undefined,
  { embedded }: AnnounceOptions,
  { env, stderr, signal }: Io,
): Promise<void> {
  if (embedded || !mayNotify(env)) return;
  const failed = (target: string, why: string) =>
    stderr.write(
      `jobsweep: notification failed: ${target}: ${printable(why)}; see ${runbookSection('alarm-notify-failed')}\n`,
    );
  try {
    const message = makeMessage();
    if (!message) return;
    const { problems } = await notify(message, {
      environment: env,
      readSecret: secretReader(systemClock, env),
      clock: systemClock,
      remainingMs: signal.aborted ? maxMsAfterStop : maxMs,
      ...(!signal.aborted && { stop: signal }),
    });
    for (const { target, why } of problems) failed(target, why);
  } catch (error) {
    failed('all', `a bug, please report it: ${String(error)}`);
  }
}
