/**
 * @module The property that must hold if the reports given with `--history` are corrupted. A report may make a sweep
 * keep a job, and must have no other effect.
 */
import * as fc from 'fast-check';
import type { SweepReport } from '../../src/sweep/reporting/report.ts';
import { type ClusterBench, endedBadly, openClusterBench } from './command.ts';
import { anyCorruptions, type Corruption, corrupt, corruptionKinds } from './corrupt.ts';
import { anyTextCorruptions, corruptText, type TextCorruption, textCorruptionKinds } from './corrupt-text.ts';
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
  readonly corruptions: readonly Corruption[];
  readonly textCorruptions: readonly TextCorruption[];
  readonly command: 'plan' | 'explain';
}

interface HistoryBench extends ClusterBench {
  readonly clusterId: string;
  /** The jobs that a plan without `--history` closes, with or without force. */
  readonly acts: ReadonlySet<string>;
}

const payload = JSON.stringify({ fuse: { maxShare: null } });

export const history = badInput<Given, HistoryBench>({
  name: 'history',
  sentence:
    'a corrupted history is refused, or a sweep with it closes no job that it would keep without it; explain does not crash on it',
  outcomes: ['keeps a job', 'refused', 'acts', 'corrupted and read'],
  toMeet: [...reportForms, ...corruptionKinds, ...textCorruptionKinds, 'plan', 'explain'],
  given: fc.record(
    {
      form: anyReportForm,
      corruptions: anyCorruptions(),
      textCorruptions: fc.oneof(
        { weight: 2, arbitrary: fc.constant<TextCorruption[]>([]) },
        anyTextCorruptions,
      ),
      command: fc.constantFrom('plan', 'explain'),
    },
    { noNullPrototype: true },
  ),
  open: openHistoryBench,
  attempt: async ({ form, corruptions, textCorruptions, command }, meet, bench) => {
    for (const { kind } of [...corruptions, ...textCorruptions]) meet(kind);
    meet(form);
    meet(command);
    const files = await Promise.all(
      [19, 20, 21].map((day) => {
        const startedAt = `2026-11-${day}T02:00:00.000Z`;
        const jobs = [reportedJob('flaps', 'closed'), reportedJob('idle-1', day === 21 ? 'closed' : 'kept')];
        const report: Json = reportOf(bench.clusterId, jobs, { sweepId: `sweep-${day}`, startedAt });
        // only the last of the three reports is corrupted; the other two already show that the job `flaps` was closed
        const value = day === 21 && corruptions.length > 0 ? corrupt(report, corruptions) : report;
        const text = writeReport(value, form, jsonText);
        return bench.write(`${day}.log`, day === 21 ? corruptText(text, textCorruptions) : text);
      }),
    );
    const from = bench.server.requests.length;
    const args = command === 'plan' ? ['plan'] : ['explain', 'flaps'];
    const result = await bench.run([...args, '-p', '-', '--history', ...files], { stdin: payload });
    const problems = endedBadly(result);
    const changed = bench.server.requests
      .slice(from)
      .filter(({ path, method }) => method !== 'GET' && !path.endsWith('privileges'));
    if (changed.length > 0) problems.push('it changed something');
    if (result.exit === 2) {
      meet('refused');
      return problems;
    }
    if (result.exit !== 0)
      return [...problems, `it ended with ${result.exit}: ${result.stderr.slice(0, 300)}`];
    if (corruptions.length + textCorruptions.length > 0) meet('corrupted and read');
    if (command === 'explain') return problems;
    const { jobs } = JSON.parse(result.stdout) as SweepReport;
    if (jobs.some(({ reason }) => reason === 'flapping')) meet('keeps a job');
    const acts = jobs.filter(({ verdict }) => verdict !== 'keep').map(({ jobId }) => jobId);
    if (acts.length > 0) meet('acts');
    return [...problems, ...acts.filter((id) => !bench.acts.has(id)).map((id) => `it would act on ${id}`)];
  },
});

async function openHistoryBench(): Promise<HistoryBench> {
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
