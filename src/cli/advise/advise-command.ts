/** @module `jobsweep advise`: estimates what each threshold would have done. Changes nothing. */

import { parseDuration } from '../../base/duration.ts';
import { InvalidSettingError } from '../../base/errors.ts';
import { plainJson } from '../../base/text.ts';
import { ElasticsearchPast } from '../../elasticsearch/past.ts';
import { type Advised, advise, type Interval } from '../../sweep/advising/advise.ts';
import { checkNames } from '../../sweep/planning/check-names.ts';
import { flappingWindow } from '../../sweep/planning/flapping.ts';
import { readCluster } from '../../sweep/planning/read-cluster.ts';
import type { CommandContext, Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { historiesOf, pastOf, readHistory } from '../input/history.ts';
import { readRequest } from '../input/payload.ts';
import { openTarget, type TargetOptions, withTargetOptions } from '../input/target.ts';
import { type ExitCode, type Io, widthOf } from '../io.ts';
import {
  checkOutput,
  json,
  type OutputOptions,
  type Renderings,
  withOutputOptions,
  writeResult,
} from '../output/output.ts';
import type { Paint } from '../output/paint.ts';
import { sheetMarkdown } from '../output/sheet.ts';
import { deadlineOf, durationOption } from '../sweep/run-sweep.ts';
import { adviceSheet, adviceText, conclusionsOf, wrongMeaning } from './advice-text.ts';
import { readAllRecords } from './all-records.ts';
import { advisedJobs, idleToday, readPast } from './read-past.ts';

interface AdviseOptions extends TargetOptions, OutputOptions {
  readonly payload?: string;
  readonly deadline: string;
  readonly history?: readonly string[];
  readonly days: string;
  readonly idleFor: string;
  readonly every: string;
  readonly pricePerGbHour?: string;
}

const day = 86_400_000;
const maxDays = 365;
/** A year of sweeps at five-minute intervals. Replaying more would take minutes. */
const maxSweeps = 110_000;
const minThreshold = 60_000;

export const registerAdvise: Register = (program, context) => {
  // Does not share the options of `sweep` and `plan`, because `--idle-for` is a list here.
  const command = withTargetOptions(
    program
      .command('advise')
      .description('what a threshold would have done, and which jobs come back; changes nothing')
      .optionsGroup('Request:')
      .option('-p, --payload <file>', 'the request as JSON: a file, - for standard input, or {…} itself'),
  )
    .optionsGroup('Advice:')
    .option('--days <number>', 'how far back to look', '30')
    .option('--idle-for <durations>', 'the thresholds to compare, with commas', '12h,24h,48h,7d')
    .option('--every <duration>', 'the interval between the replayed sweeps', '24h')
    .option('--price-per-gb-hour <number>', 'the price of a gigabyte of model memory for an hour')
    .option('--deadline <duration>', 'how long reading may take', '15m')
    .option('--history <file...>', 'reports or log lines of earlier sweeps, to notice jobs that come back');
  withExamples(
    withOutputOptions(command).action(context.action((options: AdviseOptions) => run(options, context))),
    [
      ['jobsweep advise', 'what four thresholds would have done in the last 30 days'],
      [
        'jobsweep advise --days 90 --idle-for 24h,3d,7d --output-file advice.html',
        'other thresholds over three months, as a page with a calendar of each job',
      ],
    ],
  );
};

async function run(options: AdviseOptions, { io, paint }: CommandContext): Promise<ExitCode> {
  const period = periodOf(options);
  const read = await readRequest({ payload: options.payload }, io);
  const remainingMs = deadlineOf(options);
  const sweeps = await readHistory(options, io);
  await checkOutput(options);
  await using target = await openTarget(read.request.cluster, options, io);
  using limit = target.clock.limit(remainingMs);
  const signal = AbortSignal.any([io.signal, limit.signal]);
  const history = await pastOf(sweeps, target, signal);
  const histories = historiesOf(history);
  const { identity, jobs, readAt } = await readCluster(target.cluster, target.clock, signal);
  await using past = new ElasticsearchPast(target.connection, target.clock);
  const longest = Math.max(...period.thresholds.map(({ ms }) => ms));
  const from = readAt - Math.max(period.days * day + longest + day, flappingWindow);
  const { embedded } = options;
  const records = await readAllRecords({ target, clusterId: identity.id, embedded, from, signal }, io);
  const known = await readPast(past, { from, asOf: readAt, ...records, signal });
  const momentsOf = history.isGiven ? () => [] : known.momentsOf;
  const advised = advise({
    cluster: { name: read.request.cluster, id: identity.id, version: identity.version },
    asOf: readAt,
    ...period,
    idleFor: read.request.idleFor,
    sources: known.sources,
    missing: known.missing,
    coverage: known.coverage,
    jobs: advisedJobs(jobs, read.request, histories, known.evidenceOf, readAt),
    open: jobs.filter(({ reportedState }) => reportedState !== 'closed').length,
    today: (idleFor) => idleToday(jobs, { ...read.request, idleFor }, histories, momentsOf, readAt),
    reopenings: new Map([...history.reopenings].map(([jobId, moments]) => [jobId, moments.map(Date.parse)])),
    warnings: [
      ...read.warnings,
      ...checkNames({ ...read.request, allowNoMatch: true }, jobs),
      ...history.warnings,
      ...known.warnings,
      ...target.cluster.warnings(),
    ],
  });
  return await writeResult(renderingsOf(advised, io, paint('stdout')), options, io, { exit: 0 });
}

function renderingsOf(advised: Advised, io: Io, paint: Paint): Renderings {
  const { advice, jobs } = advised;
  const line = (type: string, fields: object) => `${plainJson({ type, ...fields })}\n`;
  return {
    table: () => adviceText(advised, { width: widthOf(io.stdout), paint }),
    json: () => json(advice),
    ndjson: () => {
      const { thresholds, comesBack, ...rest } = advice;
      return [
        line('advice', rest),
        ...thresholds.map((each) => line('threshold', each)),
        ...jobs.map((each) => line('job', each)),
        ...comesBack.map((each) => line('comes back', each)),
      ].join('');
    },
    markdown: () => {
      const sheet = adviceSheet(advised);
      return sheetMarkdown({ ...sheet, lines: [...conclusionsOf(advised), wrongMeaning, ...sheet.lines] });
    },
    // Loaded on demand: the chart library is large.
    html: async () => (await import('./advice-page.ts')).adviceHtml(advised),
  };
}

interface PeriodOptions {
  readonly days: number;
  readonly every: Interval;
  readonly thresholds: readonly Interval[];
  readonly pricePerGbHour?: number;
}

function periodOf({ days, every, idleFor, pricePerGbHour }: AdviseOptions): PeriodOptions {
  if (!/^[1-9][0-9]{0,2}$/.test(days) || Number(days) > maxDays)
    throw new InvalidSettingError(`--days: expected a whole number from 1 to ${maxDays}, got ${days}`);
  const everyMs = durationOption('--every', every, '24h');
  if ((Number(days) * day) / everyMs > maxSweeps)
    throw new InvalidSettingError(
      `--every: ${every} over ${days} days is more than ${maxSweeps} sweeps; choose a longer interval`,
    );
  const thresholds = idleFor.split(',').map((part): Interval => {
    const text = part.trim();
    const ms = parseDuration(text);
    if (ms === undefined || ms < minThreshold)
      throw new InvalidSettingError(
        `--idle-for: expected durations of at least 1m with commas, such as 24h,48h, got ${idleFor}`,
      );
    return { text, ms };
  });
  const price = pricePerGbHour === undefined ? undefined : Number(pricePerGbHour);
  if (price !== undefined && !(price >= 0 && Number.isFinite(price) && pricePerGbHour?.trim() !== ''))
    throw new InvalidSettingError(
      `--price-per-gb-hour: expected a number such as 0.05, got ${pricePerGbHour}`,
    );
  return {
    days: Number(days),
    every: { text: every, ms: everyMs },
    thresholds: [...new Map(thresholds.map((each) => [each.ms, each])).values()].sort((a, b) => a.ms - b.ms),
    ...(price !== undefined && { pricePerGbHour: price }),
  };
}
