/** @module One notification about the sweeps of many clusters. */
import { plural } from '../base/text.ts';
import { bytes } from '../base/words.ts';
import { freedMemory } from '../sweep/reporting/freed-memory.ts';
import type { SweepReport } from '../sweep/reporting/report.ts';
import { type Anchor, errorAnchor, reportAnchor } from '../sweep/reporting/runbook.ts';
import type { NotifyWhen } from '../sweep/request/request-schema.ts';
import { code, type Fact, type Message } from './message.ts';
import { shouldNotify } from './sweep-message.ts';

/** The sweep of one cluster: its report, or its error. */
export interface ClusterSweep {
  readonly name: string;
  readonly report?: SweepReport | undefined;
  readonly failure?: { readonly type: string; readonly reason: string; readonly exit: number } | undefined;
}

/** Maximum number of clusters in the event's detail. */
const maxListed = 500;

/** The message about all sweeps that are worth a notification; undefined if there are none. */
export function clustersMessage(
  sweeps: readonly ClusterSweep[],
  when: NotifyWhen,
  where: readonly string[],
): Message | undefined {
  const notable = sweeps.filter(({ report, failure }) =>
    report ? shouldNotify(report, when) : failure && when !== 'never',
  );
  if (notable.length === 0) return undefined;
  // The worst sweep first: a long list is cut at its end.
  const sorted = [...notable].sort((a, b) => rankOf(a) - rankOf(b));
  const [worst] = sorted;
  const hasForced = sweeps.some(({ report }) => (report?.counts.forceClosed ?? 0) > 0);
  return {
    severity: (['error', 'warning', 'warning', 'info'] as const)[rankOf(worst)] ?? 'info',
    headline: headlineOf(sweeps),
    facts: memoryFacts(sweeps),
    lines: [...sorted.map(lineOf), ...where],
    anchor: anchorOf(worst),
    alsoSee:
      hasForced && anchorOf(worst) !== 'a-job-was-forced'
        ? [{ title: 'Jobs closed with force', anchor: 'a-job-was-forced' }]
        : [],
    kind: 'Jobsweep Clusters Swept',
    thread: 'all-clusters',
    detail: { clusters: sorted.slice(0, maxListed).map(detailOf) },
  };
}

/** The rank of a sweep, the worst first: 0 is failed, 1 refused, 2 partial, 3 done. */
function rankOf(sweep: ClusterSweep | undefined): 0 | 1 | 2 | 3 {
  if (!sweep?.report) return 0;
  return ({ refused: 1, partial: 2, done: 3 } as const)[sweep.report.status];
}

const anchorOf = (sweep: ClusterSweep | undefined): Anchor =>
  sweep?.report
    ? (reportAnchor(sweep.report) ?? 'status-done')
    : errorAnchor(sweep?.failure?.type ?? '', sweep?.failure?.exit ?? 1);

const closedIn = ({ counts }: SweepReport): number => counts.closed + counts.forceClosed;

function headlineOf(sweeps: readonly ClusterSweep[]): string {
  const reports = sweeps.flatMap(({ report }) => (report ? [report] : []));
  const closed = reports.reduce((sum, report) => sum + closedIn(report), 0);
  const freed = reports.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
  const problems = (['failed', 'refused', 'partial'] as const).flatMap((word, rank) => {
    const count = sweeps.filter((sweep) => rankOf(sweep) === rank).length;
    return count > 0 ? [`${count} ${word}`] : [];
  });
  return [
    `jobsweep: ${plural(sweeps.length, 'cluster')}, ${plural(closed, 'job')} closed, ${bytes(freed)} of model memory freed`,
    ...problems,
  ].join('; ');
}

/** Model memory and reserved memory are two measures for the same jobs, so the two are never added together. */
function memoryFacts(sweeps: readonly ClusterSweep[]): Fact[] {
  const freed = sweeps.flatMap(({ report }) => (report && !report.dryRun ? [freedMemory(report)] : []));
  const sum = (field: keyof (typeof freed)[number]) => freed.reduce((total, each) => total + each[field], 0);
  if (sum('jobs') === 0) return [];
  const least = sum('unknown') > 0 ? 'at least ' : '';
  return [
    { name: 'Model memory freed', value: bytes(sum('modelBytes')) },
    { name: 'Reserved memory freed', value: `${least}${bytes(sum('reservedBytes'))}` },
  ];
}

function lineOf({ name, report, failure }: ClusterSweep): string {
  if (!report) return `${name} failed: ${code(failure?.reason ?? '', 300)}`;
  const { counts, status, fuse, dryRun } = report;
  if (fuse)
    return `${name} refused by the fuse ${fuse.name}: ${plural(counts.idle, 'job')} of ${counts.open} to close`;
  if (dryRun) return `${name}: dry run, ${plural(counts.idle, 'job')} to close`;
  const words = [
    `${plural(closedIn(report), 'job')} closed`,
    ...(counts.forceClosed > 0 ? [`${counts.forceClosed} of them with force`] : []),
    ...(counts.closing > 0 ? [`${counts.closing} still closing`] : []),
    ...(counts.errors > 0 ? [`${counts.errors} failed to close`] : []),
    ...(counts.unknown > 0 ? [`${counts.unknown} unknown`] : []),
    ...(counts.notAttempted > 0 ? [`${counts.notAttempted} not attempted`] : []),
  ];
  return `${name}${status === 'partial' ? ' is partial' : ''}: ${words.join(', ')}`;
}

const detailOf = ({ name, report, failure }: ClusterSweep): object =>
  report
    ? {
        name,
        sweepId: report.sweepId,
        status: report.status,
        counts: report.counts,
        freedBytes: report.freedBytes,
        freedReservedBytes: report.freedReservedBytes,
      }
    : { name, error: { name: failure?.type, exit: failure?.exit } };
