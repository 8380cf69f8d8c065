/** @module What `plan` and `sweep` have in common: their options, and one sweep with its display and its memory. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Entry } from '../sweep/closing/ledger.ts';
import { parseDuration } from '../sweep/duration.ts';
import { InvalidSettingError } from '../sweep/errors.ts';
import type { PlannedJob } from '../sweep/planned.ts';
import type { FollowUps } from '../sweep/ports.ts';
import type { SweepReport } from '../sweep/report.ts';
import type { ReadRequest } from '../sweep/request.ts';
import { sweep } from '../sweep/sweep.ts';
import { sweepIdOf } from '../sweep-id.ts';
import { flappingJobs, historiesOf, type PastCloses } from './history.ts';
import { type ExitCode, type Io, widthOf } from './io.ts';
import type { ReportKeeper } from './kept-reports.ts';
import { json, type OutputOptions, type Renderings, withOutputOptions } from './output.ts';
import type { Paint } from './paint.ts';
import { type Picture, takePicture } from './picture.ts';
import { Progress } from './progress.ts';
import { reportLines } from './show/ndjson.ts';
import { reportSheet, reportText } from './show/report.ts';
import { sheetMarkdown } from './show/sheet.ts';
import { type Target, type TargetOptions, withTargetOptions } from './target.ts';

export interface SweepingOptions extends TargetOptions, OutputOptions {
  readonly payload?: string;
  readonly deadline: string;
  readonly history?: readonly string[];
}

export function withSweepingOptions(command: Command): Command {
  return withOutputOptions(
    withTargetOptions(command)
      .option('-p, --payload <file>', 'the request as JSON; - is standard input; without it {}')
      .option('--deadline <duration>', 'how long one round may take', '15m')
      .option(
        '--history <file...>',
        'reports or log lines of earlier sweeps, to notice jobs that are opened again each time',
      ),
  );
}

/** Everything that the sweeps of one command share. */
export interface Sweeping {
  readonly io: Io;
  readonly paint: Paint;
  readonly target: Target;
  readonly remainingMs: number;
  readonly past: PastCloses;
}

export interface Swept {
  readonly report: SweepReport;
  readonly entries: readonly Entry[];
  /** The cluster as it was when the verdicts were in. */
  readonly picture: Picture;
}

export interface Round {
  readonly planned?: ReadonlyMap<string, PlannedJob> | undefined;
  readonly followUps?: FollowUps | undefined;
  readonly keeper?: ReportKeeper | undefined;
}

/** One sweep; what it does to the cluster is shown on standard error while it lasts. */
export async function sweepOnce(
  { request, warnings }: ReadRequest,
  { io, paint, target, remainingMs, past }: Sweeping,
  { planned, followUps, keeper }: Round = {},
): Promise<Swept> {
  const atMostMs = remainingMs / target.speed;
  using progress = new Progress({ output: io.stderr, clock: io.clock, atMostMs, paint });
  let entries: readonly Entry[] = [];
  let note = (_asked: readonly Entry[]): void => undefined;
  let picture = takePicture([], request.idleFor, target.clock.now());
  const report = await sweep(
    {
      sweepId: sweepIdOf(request.trigger, randomUUID()),
      request,
      warnings: [...warnings, ...past.warnings],
      histories: historiesOf(past),
      planned,
    },
    {
      cluster: target.cluster,
      followUps,
      clock: target.clock,
      remainingMs,
      stop: io.signal,
      observer: {
        decided: (decided, head) => {
          entries = decided;
          note = (asked) => keeper?.asking(head, asked);
          picture = takePicture(decided, request.idleFor, target.clock.now());
          if (!request.dryRun) progress.decided(decided);
        },
        asking: (asked) => {
          note(asked);
          progress.asking(asked);
        },
        settled: () => progress.settled(),
        notice: (message) => progress.notice(message),
      },
    },
  );
  const flapping = flappingJobs(past, entries);
  return { report: flapping.length > 0 ? { ...report, flapping } : report, entries, picture };
}

/** `--deadline` in milliseconds. @throws {InvalidSettingError} */
export function deadlineOf({ deadline }: SweepingOptions): number {
  return durationOption('--deadline', deadline, '15m');
}

export function durationOption(name: string, text: string, example: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1_000)
    throw new InvalidSettingError(`${name}: expected a duration of at least 1s, as ${example}, got ${text}`);
  return ms;
}

/** A report in every form; `asJson` is what the JSON form says when that is more than the report. */
export function renderingsOf(
  { report, picture }: Pick<Swept, 'report' | 'picture'>,
  { io, paint }: { readonly io: Io; readonly paint: Paint },
  asJson: object = report,
): Renderings {
  return {
    table: () => reportText(report, { width: widthOf(io.stdout), paint }),
    json: () => json(asJson),
    ndjson: () => reportLines(report),
    markdown: () => sheetMarkdown(reportSheet(report)),
    // the drawing library is loaded by who wants a drawing
    html: async () => (await import('./show/html/report.ts')).reportHtml(report, picture),
  };
}

export function exitOf({ status }: SweepReport): ExitCode {
  return ({ done: 0, partial: 3, refused: 4 } as const)[status];
}
