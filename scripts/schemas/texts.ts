/** @module The JSON schemas for editors, generated from the code's schemas. */
import * as z from 'zod';
import { fleetSchema } from '../../simulator/fleets/schema.ts';
import { scheduleFileSchema } from '../../src/scheduler/schedule-schema.ts';
import { requestSchema } from '../../src/sweep/request/request-schema.ts';

/** The text of each file in `schemas/`, by its name without `.schema.json`. */
export const schemaTexts: Readonly<Record<string, string>> = {
  request: textOf(requestSchema),
  schedules: textOf(scheduleFileSchema),
  fleet: textOf(fleetSchema),
};

/** The schema of an input file. Each file may also have the field `$schema`, which editors use to find the schema. */
function textOf(schema: z.core.$ZodType): string {
  const { properties = {}, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return `${JSON.stringify({ ...rest, properties: { $schema: { type: 'string' }, ...properties } }, null, 2)}\n`;
}
