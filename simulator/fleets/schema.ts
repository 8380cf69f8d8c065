/**
 * @module The schema of fleet files: nodes, jobs, datafeeds, users and faults of an embedded cluster. The types and
 * `schemas/fleet.schema.json` are generated from it.
 */
import * as z from 'zod';
import { parseDuration } from '../../src/base/duration.ts';
import { habits } from '../past/life.ts';

const durationText = 'a duration: a whole number with ms, s, m, h or d, such as "4m"';
const duration = () =>
  z
    .string({ error: durationText })
    .refine((text) => parseDuration(text) !== undefined, { error: durationText });

const momentText = 'a moment: an age such as "3d", "now", an ISO date-time, or epoch milliseconds';
const moment = () =>
  z
    .union(
      [
        z.int(),
        z.string().refine(
          (text) => text === 'now' || parseDuration(text) !== undefined || !Number.isNaN(Date.parse(text)), // break: fleet-moment
          { error: momentText },
        ),
      ],
      { error: momentText },
    )
    .meta({ description: momentText });

const sizeText = 'a size: bytes, or a whole number with kb, mb or gb, such as "64mb"';
const size = () =>
  z
    .union([z.int().min(0), z.string().regex(/^\d+(b|kb|mb|gb)$/)], { error: sizeText })
    .meta({ description: sizeText });

const count = (text = 'a whole number, 0 or more') => z.int({ error: text }).min(0, { error: text });
const id = z.string({ error: 'an id' }).regex(/^[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?$/, {
  error: 'an id of a-z, 0-9, _, - and . that begins and ends with a letter or a digit',
});
/** Only job ids have a maximum length. */
const jobId = id.max(64, { error: 'a job id of at most 64 characters' });

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.map((value) => `"${value}"`).join(', ')}` });

/** A job's config as the API returns it. Only the fields that the simulated cluster uses are checked. */
const jobConfig = z.looseObject({
  job_id: z.never({ error: 'nothing here: the id is `jobId`' }).optional(),
  groups: z.array(id).optional(),
  create_time: z.int().optional(),
  finished_time: z.int().optional(),
  analysis_config: z
    .looseObject({
      detectors: z.array(z.looseObject({})).min(1),
      influencers: z.array(z.string()).optional(),
    })
    .optional(),
  analysis_limits: z.looseObject({}).optional(),
  data_description: z.looseObject({}).optional(),
  custom_settings: z.looseObject({}).optional(),
});
const datafeedConfig = z.looseObject({
  datafeed_id: z.never({ error: 'nothing here: the id is `datafeedId`' }).optional(),
  job_id: z.never({ error: 'nothing here: the datafeed is its job’s' }).optional(),
  indices: z.array(z.string().min(1)).min(1).optional(),
  query: z.looseObject({}).optional(),
  aggregations: z.record(z.string(), z.looseObject({})).optional(),
  scroll_size: z.int().min(0).optional(),
  max_empty_searches: z.int().optional(),
});

const nodeSchema = z.strictObject({
  name: z.string().min(1),
  memory: size().optional().meta({ description: 'Memory of the machine; default 64gb.' }),
  processors: count().min(1).optional(),
  closeCapacity: z
    .number()
    .gt(0)
    .optional()
    .meta({ description: 'How many closes run at full speed at once; default 8.' }),
});

const sourceSchema = z.strictObject({
  every: duration().meta({ description: 'Event time between two records.' }),
  from: moment().optional(),
  until: moment().optional().meta({ description: 'When the data ends; default: never.' }),
  bytesPerRecord: count().optional(),
});

const datafeedSchema = z.strictObject({
  datafeedId: id.optional().meta({ description: 'Default: `datafeed-` followed by the job id.' }),
  state: oneOf(['stopped', 'starting', 'started', 'stopping']).optional(),
  indices: z.array(z.string().min(1)).min(1).optional(),
  queryDelay: duration().optional(),
  frequency: duration().optional(),
  source: sourceSchema.optional().meta({ description: 'The records that it finds; default: none.' }),
  lookback: z
    .strictObject({
      from: moment().meta({ description: 'Event time up to which it has read.' }),
      end: moment().optional().meta({ description: 'Event time at which it ends and closes its job.' }),
      rate: z
        .number()
        .gt(1)
        .optional()
        .meta({ description: 'How much faster than time it reads event time; default 3600.' }),
    })
    .optional()
    .meta({ description: 'It is still reading the past.' }),
  end: moment().optional().meta({ description: 'Event time at which it ends and closes its job.' }),
  stopTakes: z
    .union([duration(), z.literal('never'), z.strictObject({ fails: z.string().min(1) })])
    .optional(),
  config: datafeedConfig
    .optional()
    .meta({ description: 'Fields of the config under their Elasticsearch names.' }),
  searchCount: count().optional(),
});

const closeTakes = z.union(
  [
    duration(),
    z.literal('never'),
    z.strictObject({ fails: z.string().min(1), after: duration().optional() }),
  ],
  { error: `${durationText}, "never", or {"fails": "why"}` },
);

export const jobSchema = z.strictObject({
  jobId,
  groups: z.array(id).optional(),
  description: z.string().optional(),
  customSettings: z.record(z.string(), z.unknown()).optional(),
  config: jobConfig.optional().meta({
    description: 'Fields of the config under their Elasticsearch names; they override the other fields.',
  }),
  bucketSpan: duration().optional(),
  memoryLimit: size().optional(),
  created: moment().optional(),
  state: oneOf(['closed', 'opening', 'opened', 'closing', 'failed'])
    .optional()
    .meta({ description: 'Default: opened.' }),
  reason: z.string().optional().meta({ description: 'Why it failed.' }),
  openedAt: moment().optional().meta({ description: 'When its process started; default 30d.' }),
  finishedAt: moment().optional().meta({ description: 'The `finished_time` of a closed job.' }),
  firstData: moment().optional(),
  lastData: moment().optional().meta({ description: 'When data last arrived; default: never.' }),
  latestRecord: moment()
    .optional()
    .meta({ description: 'Event time of the newest record; default: lastData.' }),
  records: count().optional(),
  modelBytes: size().optional(),
  node: z
    .union([z.string().min(1), z.null()])
    .optional()
    .meta({ description: 'The name of its node; null for a task without a process.' }),
  assignmentExplanation: z.string().optional(),
  openTakes: z
    .union([duration(), z.literal('never'), z.literal('lost')], {
      error: `${durationText}, or "never", or "lost"`,
    })
    .optional()
    .meta({
      description:
        'How long it takes to open. "never": no process starts. "lost": its process runs, and its state stays opening.',
    }),
  closeTakes: closeTakes
    .optional()
    .meta({ description: 'How long its close takes if it has the node to itself. Default: by model size.' }),
  askedToClose: moment().optional().meta({ description: 'When the close of a closing job began.' }),
  blocked: oneOf(['delete', 'reset', 'revert']).optional(),
  forecast: oneOf(['scheduled', 'started', 'finished', 'failed']).optional(),
  past: z
    .strictObject({
      habit: oneOf(habits).optional().meta({ description: 'How its data arrived; default: random.' }),
      comesBack: count().optional().meta({ description: 'How often it was closed and opened again.' }),
      seed: z.int().optional(),
    })
    .optional()
    .meta({ description: 'It has a past: model snapshots and notifications that lead up to its present.' }),
  datafeed: datafeedSchema.optional(),
});

const indexGrants = z
  .array(z.strictObject({ names: z.array(z.string()).min(1), privileges: z.array(z.string()).min(1) }))
  .optional()
  .meta({ description: 'Index privileges. They apply to data streams only.' });

const userSchema = z.strictObject({
  username: z.string().min(1),
  password: z.string().min(1),
  roles: z.array(z.string()).optional(),
  cluster: z.array(z.string()).optional().meta({ description: 'Cluster privileges, such as "manage_ml".' }),
  index: indexGrants,
});

const apiKeySchema = z.strictObject({
  id: z.string().min(1),
  key: z.string().min(1),
  owner: z.string().min(1),
  cluster: z.array(z.string()),
  index: indexGrants,
  expired: z.boolean().optional(),
});

const faultSchema = z.strictObject({
  api: z.string().min(1).meta({ description: 'The API by its client name, with wildcards: "ml.close_job".' }),
  path: z.string().optional(),
  nth: count().min(1).optional(),
  times: z.union([count().min(1), z.literal('always')]).optional(),
  delay: duration().optional(),
  delayAnswer: duration().optional(),
  status: z.int().min(100).max(599).optional(),
  type: z.string().optional(),
  reason: z.string().optional(),
  body: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  after: z.boolean().optional(),
  reset: oneOf(['before', 'after']).optional(),
  cut: count().optional(),
  contentType: z.string().optional(),
  noProduct: z.boolean().optional(),
  hang: z.boolean().optional(),
});

const eventNames = [
  'dataArrives',
  'jobFails',
  'jobDeleted',
  'jobOpened',
  'jobClosed',
  'jobForceClosed',
  'nodeLeaves',
  'masterChanges',
  'upgradeModeOn',
  'upgradeModeOff',
  'sourceDries',
] as const;

const eventSchema = z.strictObject({
  event: oneOf(eventNames),
  at: duration().optional().meta({ description: 'Time after the start.' }),
  afterRequest: count()
    .min(1)
    .optional()
    .meta({ description: 'After this many requests (to `api`, if given).' }),
  api: z.string().optional(),
  jobId: z.string().optional(),
  node: z.string().optional(),
  reason: z.string().optional(),
});

export const fleetSchema = z
  .strictObject({
    $schema: z.string().optional(),
    clusterName: z.string().min(1).optional(),
    nodes: z.array(nodeSchema).min(1).optional().meta({ description: 'Default: three nodes with 64gb.' }),
    jobs: z.array(jobSchema).optional(),
    users: z.array(userSchema).optional(),
    apiKeys: z.array(apiKeySchema).optional(),
    settings: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'Persistent cluster settings.' }),
    upgradeMode: z.boolean().optional(),
    unlicensed: z.boolean().optional().meta({ description: 'Its licence excludes machine learning.' }),
    faults: z.array(faultSchema).optional(),
    events: z.array(eventSchema).optional(),
  })
  .meta({
    title: 'jobsweep fleet',
    description: 'The nodes, jobs, users and faults of the embedded Elasticsearch.',
  });

/** A fleet as written in a fleet file. Fields that have a default may be missing. */
export type Fleet = z.input<typeof fleetSchema>;
/** One job of a fleet, as written in a fleet file. */
export type FleetJob = z.input<typeof jobSchema>;
export type FleetDatafeed = NonNullable<FleetJob['datafeed']>;
export type FleetEvent = z.input<typeof eventSchema>;
export type FleetNode = z.input<typeof nodeSchema>;
export type Moment = z.input<ReturnType<typeof moment>>;

/** A part of a fleet that the schema allows but the cluster refuses, with the cluster's error. */
export class FleetError extends Error {
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], message: string) {
    super(message);
    this.path = path;
  }
}

/** A duration in milliseconds. @throws if invalid, because a fleet that code creates is not validated */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new Error(`expected ${durationText}, got ${JSON.stringify(text)}`);
  return ms;
}

/** A point in time in epoch milliseconds; an age counts back from `now`. @throws if invalid */
export function momentAt(moment: Moment, now: number): number {
  if (typeof moment === 'number') return moment;
  if (moment === 'now') return now;
  const ago = parseDuration(moment);
  const time = ago === undefined ? Date.parse(moment) : now - ago;
  if (Number.isNaN(time)) throw new Error(`expected ${momentText}, got ${JSON.stringify(moment)}`);
  return time;
}

/** A size in bytes. */
export function bytesOf(value: number | string): number {
  if (typeof value === 'number') return value;
  const unit = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 }[/[a-z]+$/.exec(value)?.[0] ?? 'b'] ?? 1;
  return Number.parseInt(value, 10) * unit;
}
