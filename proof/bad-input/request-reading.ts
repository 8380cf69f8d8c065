/**
 * @module A hand-written implementation of the contract's request table. It turns a payload into a request with all
 * defaults, or lists the payload's wrong fields. The proof compares it with the schema, so it shares no code with the
 * schema.
 */
import { isObject, type Json, type JsonObject } from './json.ts';

export type Reading =
  | { readonly means: Readonly<Record<string, unknown>>; readonly wrong?: undefined }
  | { readonly wrong: readonly string[] };

/**
 * Reads the value of a field. Returns the value that the request then has, such as the milliseconds for `2h`, or the
 * paths of the wrong parts, relative to the field.
 */
type Read = (value: Json) => { readonly means: unknown } | { readonly wrong: readonly string[] };

const bad = { wrong: [''] } as const;
const means = (value: unknown) => ({ means: value });

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function durationMs(text: Json): number | undefined {
  if (typeof text !== 'string' || !/^[1-9]\d*(ms|s|m|h|d)$/.test(text)) return undefined;
  const ms = Number(text.replace(/[a-z]+$/, '')) * (units[text.replace(/^\d+/, '')] ?? Number.NaN);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

const duration =
  (min = 1, max = Number.POSITIVE_INFINITY): Read =>
  (value) => {
    const ms = durationMs(value);
    return ms !== undefined && ms >= min && ms <= max ? means(ms) : bad;
  };

const names =
  (mayBeEmpty: boolean): Read =>
  (value) => {
    const list = typeof value === 'string' ? [value] : value;
    if (!Array.isArray(list) || (list.length === 0 && !mayBeEmpty)) return bad;
    const all: string[] = [];
    for (const entry of list) {
      if (typeof entry !== 'string') return bad;
      for (const name of entry.split(',')) {
        if (name.trim() === '') return bad;
        all.push(name.trim());
      }
    }
    return means(all);
  };

const oneOf =
  (...values: readonly Json[]): Read =>
  (value) =>
    values.includes(value) ? means(value) : bad;

const whole =
  (min: number, max = Number.MAX_SAFE_INTEGER): Read =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? means(value) : bad;

const orNull =
  (read: Read): Read =>
  (value) =>
    value === null ? means(null) : read(value);

const share: Read = (value) => (typeof value === 'number' && value > 0 && value <= 1 ? means(value) : bad);

const text =
  (max = Number.POSITIVE_INFINITY): Read =>
  (value) =>
    typeof value === 'string' && value !== '' && value.length <= max ? means(value) : bad;

const moment: Read = (value) => {
  const parts =
    typeof value === 'string' &&
    /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(value);
  if (!parts) return bad;
  const day = new Date(`${parts[1]}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(parts[1] as string)
    ? means(value)
    : bad;
};

const listOf =
  (read: Read): Read =>
  (value) => {
    if (!Array.isArray(value) || value.length === 0) return bad;
    const read_ = value.map(read);
    const wrong = read_.flatMap((each, index) =>
      'wrong' in each ? each.wrong.map((below) => `[${index}]${below}`) : [],
    );
    return wrong.length > 0 ? { wrong } : means(read_.map((each) => ('means' in each ? each.means : null)));
  };

interface Field {
  readonly read: Read;
  /** The default, for payloads without the field. A field without a default is required, unless it is `optional`. */
  readonly without?: unknown;
  readonly optional?: true;
}

const fields =
  (table: Readonly<Record<string, Field>>): Read =>
  (value) => {
    if (!isObject(value)) return bad;
    const wrong = Object.keys(value)
      .filter((key) => !Object.hasOwn(table, key))
      .map((key) => `.${key}`);
    const read: [string, unknown][] = [];
    for (const [name, field] of Object.entries(table)) {
      if (!Object.hasOwn(value, name)) {
        if ('without' in field) read.push([name, field.without]);
        else if (!field.optional) wrong.push(`.${name}`);
        continue;
      }
      const found = field.read(value[name] as Json);
      if ('wrong' in found) wrong.push(...found.wrong.map((below) => `.${name}${below}`));
      else read.push([name, found.means]);
    }
    return wrong.length > 0 ? { wrong } : means(Object.fromEntries(read));
  };

const minute = 60_000;
const hour = 60 * minute;

const followUp: Readonly<Record<string, Field>> = {
  after: { read: duration(2 * minute), without: 15 * minute },
  max: { read: whole(1, 20), without: 6 },
};

const table: Readonly<Record<string, Field>> = {
  cluster: {
    read: (value) => (typeof value === 'string' && /^[a-z0-9-]{1,40}$/.test(value) ? means(value) : bad),
    without: 'default',
  },
  jobs: { read: names(false), without: ['*'] },
  exclude: { read: names(true), without: [] },
  states: { read: listOf(oneOf('opened', 'closing', 'failed')), without: ['opened', 'closing', 'failed'] },
  allowNoMatch: { read: oneOf(true, false), without: true },
  idleFor: { read: duration(minute), without: 48 * hour },
  neverFed: { read: oneOf('close', 'keep'), without: 'close' },
  runningDatafeeds: { read: oneOf('keep', 'stop'), without: 'keep' },
  stuckOpening: { read: oneOf('keep', 'close'), without: 'keep' },
  managed: { read: oneOf('keep', 'close'), without: 'keep' },
  dryRun: { read: oneOf(true, false), without: false },
  close: section({
    timeout: { read: duration(100, 30 * minute), without: 2 * minute },
    batch: { read: whole(1, 100), without: 20 },
    concurrency: { read: whole(1, 32), without: 32 },
    perNode: {
      read: (value) => (value === 'auto' || value === null ? means(value) : whole(1, 100)(value)),
      without: 'auto',
    },
  }),
  force: section({
    failed: { read: oneOf(true, false), without: true },
    stuckFor: { read: orNull(duration()), without: 75 * minute },
    exclude: { read: names(true), without: [] },
    max: { read: whole(0), without: 10 },
  }),
  fuse: section({
    maxJobs: { read: orNull(whole(0)), without: 500 },
    maxShare: { read: orNull(share), without: 0.5 },
    massIdle: { read: oneOf(true, false), without: true },
  }),
  followUp: {
    read: (value) => (value === false ? means(false) : fields(followUp)(value)),
    without: { after: 15 * minute, max: 6 },
  },
  trigger: {
    read: fields({ scheduleArn: { read: text() }, scheduledTime: { read: text() } }),
    optional: true,
  },
  followUpOf: {
    read: fields({
      sweepId: { read: text(256) },
      round: { read: whole(1) },
      jobs: {
        read: listOf(
          fields({
            jobId: { read: text() },
            askedAt: { read: moment },
            attempts: { read: whole(0) },
            lastActivity: { read: moment, optional: true },
          }),
        ),
      },
    }),
    optional: true,
  },
};

/**
 * An object of fields, such as `close`. If the payload does not have the object, all of its fields have their defaults.
 */
function section(inner: Readonly<Record<string, Field>>): Field {
  const read = fields(inner);
  const empty = read({});
  return { read, without: 'means' in empty ? empty.means : undefined };
}

/**
 * Reads a payload. Returns wrong fields as paths, such as `close.batch` and `states[1]`. The path '' stands for the
 * payload itself.
 */
export function readByHand(payload: Json): Reading {
  if (isObject(payload) && own(payload, 'detail-type') === 'Scheduled Event') return readBareEvent(payload);
  const { $schema: _editor, ...rest } = isObject(payload) ? payload : {};
  const read = fields(table)(isObject(payload) ? rest : payload);
  if ('wrong' in read) return { wrong: read.wrong.map((name) => name.replace(/^\./, '')) };
  const request = read.means as Readonly<Record<string, never>>;
  const { stuckFor } = request.force as unknown as { stuckFor: number | null };
  const come = request.followUp as unknown as false | { after: number; max: number };
  if (stuckFor !== null && come && stuckFor > come.after * come.max) return { wrong: ['force.stuckFor'] };
  return { means: request };
}

/** Reads the Scheduler's default event, which a schedule without an Input sends. It counts as a dry run. */
function readBareEvent(event: JsonObject): Reading {
  const resources = own(event, 'resources');
  const [arn, time] = [Array.isArray(resources) ? resources[0] : undefined, own(event, 'time')];
  const named = typeof arn === 'string' && arn !== '' && typeof time === 'string' && time !== '';
  return readByHand({
    dryRun: true,
    ...(named && { trigger: { scheduleArn: arn as string, scheduledTime: time as string } }),
  });
}

const own = (value: JsonObject, key: string) => (Object.hasOwn(value, key) ? value[key] : undefined);

/**
 * Whether a name in a request selects a job, by its id or by one of its groups. `*` matches any characters, and `_all`
 * matches every job.
 */
export function nameMeans(name: string, job: { readonly jobId: string; readonly groups: readonly string[] }) {
  if (name === '_all') return true;
  return [job.jobId, ...job.groups].some((text) => isLike(name, text));
}

/**
 * Whether a pattern matches a text. Reads the text character by character, and keeps every position in the pattern that
 * the text so far may have reached.
 */
function isLike(pattern: string, text: string): boolean {
  const step = (places: ReadonlySet<number>): Set<number> => {
    const open = new Set(places);
    for (const place of open) if (pattern[place] === '*') open.add(place + 1);
    return open;
  };
  let places = step(new Set([0]));
  for (const letter of text) {
    const next = new Set<number>();
    for (const place of places) {
      if (pattern[place] === '*') next.add(place);
      else if (pattern[place] === letter) next.add(place + 1);
    }
    places = step(next);
    if (places.size === 0) return false;
  }
  return places.has(pattern.length);
}
