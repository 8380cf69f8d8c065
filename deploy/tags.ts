/** @module The tags of a deployment: reads the parameter `tags`, and adds the tags to resources. */
import * as z from 'zod';
import type { Resources } from './cloudformation.ts';

export type Tags = Readonly<Record<string, string>>;

/** AWS allows 50 tags per resource, and the framework adds one of them, STAGE. */
const maxTags = 49;
// the framework allows fewer characters in a key than AWS does
const key = /^(?!aws:)[\w./=+:\- ]{1,128}$/i;
const value = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

const expected = {
  tags: 'tags as "key=value,key=value" or a map, or empty for none',
  count: `at most ${maxTags} tags`,
  key: 'tags with keys of 1 to 128 letters, digits, spaces and _./=+:- that do not begin with "aws:"',
  value: 'tags with values of at most 256 letters, digits, spaces and _.:/=+-@',
  stage: 'no tag named STAGE: the framework sets it to the stage',
  twice: 'each tag once',
};

/** `--param` can pass the tags only as a string. `serverless.yml` may also contain them as a map. */
export const tags = z
  .union([z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))], {
    error: expected.tags,
  })
  .transform((given, context): Tags => {
    const entries = typeof given === 'string' ? pairs(given) : Object.entries(given);
    const problem = entries === undefined ? expected.tags : problemOf(entries);
    if (entries === undefined || problem !== undefined) {
      context.issues.push({ code: 'custom', message: problem ?? expected.tags, input: given });
      return z.NEVER;
    }
    return Object.fromEntries(entries.map(([name, text]) => [name, String(text)]));
  });

function pairs(text: string): [string, string][] | undefined {
  if (text.trim() === '') return [];
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => !part.includes('='))) return undefined;
  return parts.map((part) => {
    const at = part.indexOf('=');
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
  });
}

function problemOf(entries: readonly (readonly [string, unknown])[]): string | undefined {
  if (entries.length > maxTags) return expected.count;
  if (entries.some(([name]) => name.toUpperCase() === 'STAGE')) return expected.stage;
  if (new Set(entries.map(([name]) => name)).size < entries.length) return expected.twice;
  if (!entries.every(([name]) => key.test(name))) return expected.key;
  return entries.every(([, text]) => value.test(String(text))) ? undefined : expected.value;
}

/** Schedules, queue policies and invocation settings cannot have tags. */
const untaggable = new Set(['AWS::Scheduler::Schedule', 'AWS::SQS::QueuePolicy']);

export const tagList = (given: Tags) => Object.entries(given).map(([Key, Value]) => ({ Key, Value }));

/**
 * Adds the tags to each resource. The framework's `stackTags` also add tags, but only when the framework deploys. A
 * template that is deployed in another way, or read by a scanner, needs the tags itself.
 */
export function tagged(resources: Resources, given: Tags): Resources {
  if (Object.keys(given).length === 0) return resources;
  return Object.fromEntries(
    Object.entries(resources).map(([id, resource]) => [
      id,
      untaggable.has(resource.Type)
        ? resource
        : { ...resource, Properties: { ...resource.Properties, Tags: tagList(given) } },
    ]),
  );
}
