/**
 * @module The property that must hold if the saved plan given to `jobsweep sweep --plan` is corrupted, either before or
 * after its digest is calculated.
 */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import type { Fleet } from '../../simulator/index.ts';
import { type Bench, endedBadly, openBench, openClusterBench } from './command.ts';
import { anyCorruptions, type Corruption, corrupt, corruptionKinds } from './corrupt.ts';
import { anyTextCorruptions, corruptText, type TextCorruption, textCorruptionKinds } from './corrupt-text.ts';
import { decoded, isObject, type Json, jsonText, withoutComments } from './json.ts';
import { badInput } from './property.ts';

interface Given {
  readonly corruptions: readonly Corruption[];
  /** Whether the digest is calculated again after the corruption, as an informed attacker would do. */
  readonly sealed: boolean;
  readonly textCorruptions: readonly TextCorruption[];
}

interface PlanBench extends Bench {
  readonly plan: Json;
  /** The jobs that the uncorrupted plan closes. */
  readonly closes: ReadonlySet<string>;
}

const fleet: Fleet = {
  jobs: [
    { jobId: 'idle-1', lastData: '5d', closeTakes: '1s' },
    { jobId: 'idle-2', lastData: '6d', closeTakes: '1s' },
    { jobId: 'failed', lastData: '9d', state: 'failed' },
    { jobId: 'busy', lastData: '1m' },
    { jobId: 'busy-2', lastData: '2m' },
    { jobId: 'busy-3', lastData: '3m' },
    { jobId: 'busy-4', lastData: '3m' },
    { jobId: 'protected', lastData: '9d', customSettings: { jobsweep: { protect: true } } },
  ],
};

export const savedPlan = badInput<Given, PlanBench>({
  name: 'saved-plan',
  sentence:
    'a changed plan is refused before anything is closed; with a new digest it closes only jobs that it names and that are neither busy nor protected',
  outcomes: ['carried out', 'refused', 'sealed anew and carried out'],
  toMeet: [...corruptionKinds, ...textCorruptionKinds, 'closed less'],
  enough: 2_000,
  share: 0.5,
  given: fc.record(
    {
      corruptions: anyCorruptions(),
      sealed: fc.boolean(),
      textCorruptions: fc.oneof(
        { weight: 2, arbitrary: fc.constant<TextCorruption[]>([]) },
        anyTextCorruptions,
      ),
    },
    { noNullPrototype: true },
  ),
  open: openPlanBench,
  attempt: async ({ corruptions, sealed, textCorruptions }, meet, bench) => {
    for (const { kind } of [...corruptions, ...textCorruptions]) meet(kind);
    const corrupted = corruptions.length > 0 ? corrupt(bench.plan, corruptions) : bench.plan;
    const value = sealed ? seal(corrupted) : corrupted;
    const bytes = corruptText(jsonText(value), textCorruptions);
    const { result, closed } = await carryOut(bytes);
    const problems = endedBadly(result);
    if (result.exit === 2) {
      meet('refused');
      return closed.length > 0 ? [...problems, `refused, and closed ${closed.join(', ')}`] : problems;
    }
    const anew = sealed && corruptions.length > 0;
    if (!anew && !says(bytes, bench.plan)) problems.push('a changed plan was carried out');
    meet(anew ? 'sealed anew and carried out' : 'carried out');
    if (closed.length < bench.closes.size) meet('closed less');
    const named = anew ? namedBy(value) : new Set(bench.closes);
    const wrong = closed.filter((id) => !named.has(id) || /^(busy|protected)/.test(id));
    return [...problems, ...wrong.map((id) => `it closed ${id}`)];
  },
});

/** Whether the bytes are JSON with the same content as `plan`. The order of keys does not matter. */
function says(bytes: Buffer, plan: Json): boolean {
  const same = (value: unknown) => jsonText(inOrder(JSON.parse(JSON.stringify(value)) as Json));
  try {
    return same(JSON.parse(withoutComments(decoded(bytes)))) === same(plan);
  } catch {
    return false;
  }
}

async function carryOut(bytes: Buffer) {
  await using bench = await openClusterBench(fleet);
  const file = await bench.write('plan.json', bytes);
  const result = await bench.run(['sweep', '--yes', '--plan', file]);
  const closed = bench.server.cluster
    .jobs()
    .flatMap(({ jobId, state }) => (state === 'closed' ? [jobId] : []));
  return { result, closed };
}

async function openPlanBench(): Promise<PlanBench> {
  const plan = await (async () => {
    await using bench = await openClusterBench(fleet);
    return JSON.parse((await bench.run(['plan', '-o', 'json'])).stdout) as Json;
  })();
  const { closed } = await carryOut(Buffer.from(jsonText(plan)));
  return Object.assign(await openBench(), { plan, closes: new Set(closed) });
}

const planOf = (document: Json) =>
  isObject(document) && isObject(document.plan) ? document.plan : undefined;

function namedBy(document: Json): ReadonlySet<string> {
  const jobs = planOf(document)?.jobs;
  return new Set(isObject(jobs ?? null) ? Object.keys(jobs as object) : []);
}

/**
 * Sets the digest of a plan, calculated as the command calculates it: from the values, regardless of the order of keys.
 */
function seal(document: Json): Json {
  const plan = planOf(document);
  if (!plan || !isObject(document)) return document;
  const { digest: _old, ...rest } = plan;
  const digest = createHash('sha256')
    .update(jsonText(inOrder({ ...document, plan: rest })))
    .digest('hex');
  return { ...document, plan: { ...rest, digest: `sha256:${digest}` } };
}

function inOrder(value: Json, depth = 0): Json {
  // no plan is nested this deep, so the command refuses the value whether or not the digest is valid
  if (depth > 500) return value;
  if (Array.isArray(value)) return value.map((item) => inOrder(item, depth + 1));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, inOrder(item, depth + 1)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
