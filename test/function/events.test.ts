import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../src/sweep/request/read-request.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const events = readdirSync(new URL('../../events', import.meta.url));
const validate = new Ajv2020({ strict: false }).compile(read('schemas/request.schema.json') as object);

describe('the schema that editors use', () => {
  it.each(events)('the schema for editors accepts events/%s, as the function does', (event) => {
    const payload = read(`events/${event}`);
    expect(parseRequest(payload).warnings).toEqual([]);
    expect(validate(payload), JSON.stringify(validate.errors)).toBe(true);
    expect(payload).toMatchObject({ $schema: '../schemas/request.schema.json' });
  });

  it.each([
    { idelFor: '48h' },
    { jobs: [] },
    { jobs: '' },
    { idleFor: '1.5h' },
    { idleFor: 48 },
    { close: { batch: 101 } },
    { close: { timeout: '1x' } },
    { fuse: { maxShare: 2 } },
    { states: ['closed'] },
    { followUp: { after: '15m', often: 3 } },
    { cluster: 'https://host:9200' },
    { trigger: { scheduleArn: 'arn' } },
    { followUpOf: { sweepId: 's', round: 1, jobs: [] } },
  ])('the schema for editors rejects %j, which the function refuses', (payload) => {
    expect(() => parseRequest(payload)).toThrow();
    expect(validate(payload)).toBe(false);
  });
});
