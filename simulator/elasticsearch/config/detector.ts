/** @module Detectors of a job: their functions, the fields that each function needs, and the default description. */
import { ElasticsearchError, illegalArgument } from '../errors.ts';
import { type JsonObject, type ObjectParser, textOf } from '../http/object-parser.ts';

/** The full name for each abbreviated function name, which the server expands. */
const shortcuts: Record<string, string> = {
  c: 'count',
  low_c: 'low_count',
  high_c: 'high_count',
  nzc: 'non_zero_count',
  low_nzc: 'low_non_zero_count',
  high_nzc: 'high_non_zero_count',
  dc: 'distinct_count',
  low_dc: 'low_distinct_count',
  high_dc: 'high_distinct_count',
  avg: 'mean',
  low_avg: 'low_mean',
  high_avg: 'high_mean',
};

const sided = (name: string) => [name, `low_${name}`, `high_${name}`];
const countLike = [...sided('count'), ...sided('non_zero_count')];
const withoutField = new Set([...countLike, 'rare', 'freq_rare', 'time_of_day', 'time_of_week']);
const withField = new Set([
  ...['distinct_count', 'info_content', 'mean', 'median', 'sum', 'non_null_sum', 'varp'].flatMap(sided),
  'metric',
  'min',
  'max',
  'lat_long',
]);
const withBy = new Set(['rare', 'freq_rare']);
const withOver = new Set(['freq_rare']);
const withoutOver = new Set(sided('non_zero_count'));

export const ruleParser: ObjectParser = {
  name: 'detection_rule',
  fields: { actions: 'strings', scope: 'object', conditions: 'any', params: 'any' },
};

export const detectorParser: ObjectParser = {
  name: 'detector',
  fields: {
    detector_description: 'string',
    function: 'string',
    field_name: 'string',
    by_field_name: 'string',
    over_field_name: 'string',
    use_null: 'boolean',
    partition_field_name: 'string',
    exclude_frequent: 'string',
    custom_rules: { list: ruleParser },
    detector_index: 'integer',
  },
};

/** A detector as the server stores it. @throws 400 if the function is unknown or the fields do not suit it */
export function completeDetector(given: JsonObject, index: number): JsonObject {
  const written = (given.function as string | undefined) ?? '';
  const fn = shortcuts[written.toLowerCase()] ?? written.toLowerCase();
  if (given.function !== undefined && !withoutField.has(fn) && !withField.has(fn))
    throw illegalArgument(`Unknown function '${written}'`);
  const field = text(given.field_name);
  const by = text(given.by_field_name);
  const over = text(given.over_field_name);
  const partition = text(given.partition_field_name);
  if (given.function === undefined) {
    if (field === undefined)
      throw illegalArgument(
        'Unless a count or temporal function is used one of field_name, by_field_name or over_field_name must be set',
      );
  }
  checkFields(fn, { field, by, over, partition });
  const detector: JsonObject = {
    detector_description: '',
    function: fn === '' ? 'metric' : fn,
    ...(field !== undefined && { field_name: field }),
    ...(by !== undefined && { by_field_name: by }),
    ...(over !== undefined && { over_field_name: over }),
    ...(given.use_null === true && { use_null: true }),
    ...(partition !== undefined && { partition_field_name: partition }),
    ...(given.exclude_frequent !== undefined && {
      exclude_frequent: excludeFrequent(given.exclude_frequent as string),
    }),
    ...(Array.isArray(given.custom_rules) &&
      given.custom_rules.length > 0 && { custom_rules: given.custom_rules }),
    detector_index: index,
  };
  detector.detector_description = text(given.detector_description) ?? describeDetector(detector);
  return detector;
}

interface Fields {
  readonly field: string | undefined;
  readonly by: string | undefined;
  readonly over: string | undefined;
  readonly partition: string | undefined;
}

function checkFields(fn: string, { field, by, over, partition }: Fields): void {
  if (withField.has(fn) && field === undefined)
    throw illegalArgument(`field_name must be set when the '${fn}' function is used`);
  if (withoutField.has(fn) && field !== undefined)
    throw illegalArgument(`field_name cannot be used with function '${fn}'`);
  if (withBy.has(fn) && by === undefined)
    throw illegalArgument(`by_field_name must be set when the '${fn}' function is used`);
  if (withOver.has(fn) && over === undefined)
    throw illegalArgument(`over_field_name must be set when the '${fn}' function is used`);
  if (withoutOver.has(fn) && over !== undefined)
    throw illegalArgument(`over_field_name cannot be used with function '${fn}'`);
  for (const name of [field, by, over, partition])
    if (name !== undefined && /["\\\p{Cc}]/u.test(name))
      throw illegalArgument(
        `Invalid field name '${name}'. Field names including over, by and partition fields cannot contain any of these characters: ",\\`,
      );
  for (const [name, value] of [
    ['by_field_name', by],
    ['over_field_name', over],
  ] as const)
    if (value === 'count' || value === name.split('_')[0])
      throw illegalArgument(`'${value}' is not a permitted value for ${name}`);
  if (partition !== undefined && partition === by)
    throw illegalArgument(`partition_field_name and by_field_name cannot be the same: '${by}'`);
  if (partition !== undefined && partition === over)
    throw illegalArgument(`partition_field_name and over_field_name cannot be the same: '${over}'`);
  if (by !== undefined && by === over)
    throw illegalArgument(`by_field_name and over_field_name cannot be the same: '${by}'`);
}

function excludeFrequent(value: string): string {
  const lower = value.toLowerCase();
  if (['all', 'none', 'by', 'over'].includes(lower)) return lower;
  throw new ElasticsearchError(400, {
    type: 'illegal_argument_exception',
    reason: `Unknown exclude_frequent value [${value}]`,
  });
}

/** The server's default description of a detector, for example `mean(latency) by service`. */
export function describeDetector(detector: JsonObject): string {
  const quoted = (value: unknown) => {
    const name = String(value);
    return /\W/.test(name) ? `"${name}"` : name;
  };
  let description = textOf(detector.function);
  if (detector.field_name !== undefined) description += `(${quoted(detector.field_name)})`;
  if (detector.by_field_name !== undefined) description += ` by ${quoted(detector.by_field_name)}`;
  if (detector.over_field_name !== undefined) description += ` over ${quoted(detector.over_field_name)}`;
  if (detector.use_null === true) description += ' usenull=true';
  if (detector.partition_field_name !== undefined)
    description += ` partitionfield=${quoted(detector.partition_field_name)}`;
  if (detector.exclude_frequent !== undefined)
    description += ` excludefrequent=${textOf(detector.exclude_frequent)}`;
  return description;
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
