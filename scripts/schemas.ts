/**
 * @module Writes `schemas/*.schema.json` from the code's own schemas; with `--check` it writes nothing and fails when
 * a file is not current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { scheduleFileSchema } from '../src/scheduler/schedule-file.ts';
import { fleetSchema } from '../src/simulator/fleets/schema.ts';
import { requestSchema } from '../src/sweep/request.ts';

const schemas: Record<string, z.core.$ZodType> = {
  request: requestSchema,
  schedules: scheduleFileSchema,
  fleet: fleetSchema,
};

const stale: string[] = [];
for (const [name, schema] of Object.entries(schemas)) {
  const file = new URL(`../schemas/${name}.schema.json`, import.meta.url);
  const text = `${JSON.stringify(forEditors(schema), null, 2)}\n`;
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (read(file) !== text) stale.push(name);
}
if (stale.length > 0) {
  process.stderr.write(`not current: ${stale.join(', ')}; run \`npm run schemas\`\n`);
  process.exitCode = 1;
}

/** The schema of what people write; `$schema`, by which their editor finds it, is a field that every file may have. */
function forEditors(schema: z.core.$ZodType) {
  const { properties = {}, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return { ...rest, properties: { $schema: { type: 'string' }, ...properties } };
}

function read(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
