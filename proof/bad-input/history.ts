/** @module Reports given as `--history`: they may keep a job open, and never more than that. */
import * as fc from 'fast-check';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { type ClusterBench, endedBadly, openClusterBench } from './command.ts';
import { anySpoilings, type Spoiling, spoil, spoilingKinds } from './corrupt.ts';
import { anyTextSpoilings, spoilText, type TextSpoiling, textSpoilingKinds } from './corrupt-text.ts';
import { type Json, jsonText } from './json.ts';
import { badInput } from './property.ts';
import {
  anyReportForm,
  type ReportForm,
  reportedJob,
  reportForms,
  reportOf,
  writeReport,
} from './reports.ts';

interface Given {
  readonly form: ReportForm;
  readonly spoilings: readonly Spoiling[];
  readonly textSpoilings: readonly TextSpoiling[];
  readonly command: 'plan' | 'explain';
}

interface World extends ClusterBench {
  readonly clusterId: string;
  /** What a plan without a history would act on. */
  readonly acts: ReadonlySet<string>;
}

const payload = JSON.stringify({ fuse: { maxShare: null } });

export const history = badInput<Given, World>({
  name: 'history',
  sentence:
    'a history, however spoiled, is refused, or makes a sweep act on nothing that it would keep without one; explain tells it without a stumble',
  outcomes: ['keeps a job', 'refused', 'acts', 'spoiled and read'],
  toMeet: [...reportForms, ...spoilingKinds, ...textSpoilingKinds, 'plan', 'explain'],
  given: fc.record(
    {
      form: anyReportForm,
      spoilings: anySpoilings(),
      textSpoilings: fc.oneof({ weight: 2, arbitrary: fc.constant<TextSpoiling[]>([]) }, anyTextSpoilings),
      command: fc.constantFrom('plan', 'explain'),
    },
    { noNullPrototype: true },
  ),
  open: openWorld,
  attempt: async ({ form, spoilings, textSpoilings, command }, meet, world) => {
    for (const { kind } of [...spoilings, ...textSpoilings]) meet(kind);
    meet(form);
    meet(command);
    const files = await Promise.all(
      [19, 20, 21].map((day) => {
        const startedAt = `2026-11-${day}T02:00:00.000Z`;
        const jobs = [reportedJob('flaps', 'closed'), reportedJob('idle-1', day === 21 ? 'closed' : 'kept')];
        const report: Json = reportOf(world.clusterId, jobs, { sweepId: `sweep-${day}`, startedAt });
        // the last is the spoiled one: with it or without, the jobs were closed twice for sure
        const value = day === 21 && spoilings.length > 0 ? spoil(report, spoilings) : report;
        const text = writeReport(value, form, jsonText);
        return world.write(`${day}.log`, day === 21 ? spoilText(text, textSpoilings) : text);
      }),
    );
    const from = world.server.requests.length;
    const args = command === 'plan' ? ['plan'] : ['explain', 'flaps'];
    const result = await world.run([...args, '-p', '-', '--history', ...files], { stdin: payload });
    const problems = endedBadly(result);
    const changed = world.server.requests
      .slice(from)
      .filter(({ path, method }) => method !== 'GET' && !path.endsWith('privileges'));
    if (changed.length > 0) problems.push('it changed something');
    if (result.exit === 2) {
      meet('refused');
      return problems;
    }
    if (result.exit !== 0)
      return [...problems, `it ended with ${result.exit}: ${result.stderr.slice(0, 300)}`];
    if (spoilings.length + textSpoilings.length > 0) meet('spoiled and read');
    if (command === 'explain') return problems;
    const { jobs } = JSON.parse(result.stdout) as SweepReport;
    if (jobs.some(({ reason }) => reason === 'flapping')) meet('keeps a job');
    const acts = jobs.filter(({ verdict }) => verdict !== 'keep').map(({ jobId }) => jobId);
    if (acts.length > 0) meet('acts');
    return [...problems, ...acts.filter((id) => !world.acts.has(id)).map((id) => `it would act on ${id}`)];
  },
});

async function openWorld(): Promise<World> {
  const bench = await openClusterBench({
    jobs: [
      { jobId: 'flaps', lastData: '5d' },
      { jobId: 'idle-1', lastData: '6d' },
      { jobId: 'busy', lastData: '1m' },
      { jobId: 'protected', lastData: '9d', customSettings: { jobsweep: { protect: true } } },
    ],
  });
  const { stdout } = await bench.run(['plan', '-p', '-'], { stdin: payload });
  const { cluster, jobs } = JSON.parse(stdout) as SweepReport;
  const acts = jobs.filter(({ verdict }) => verdict !== 'keep').map(({ jobId }) => jobId);
  return Object.assign(bench, { clusterId: cluster.id, acts: new Set(acts) });
}
