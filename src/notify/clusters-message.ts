/** @module One notification about the sweeps of many clusters. */
import { plural } from '../base/text.ts';
import { bytes } from '../base/words.ts';
import type { SweepReport } from '../sweep/reporting/report.ts';
import type { NotifyWhen } from '../sweep/request/request-schema.ts';
import { code, type Message } from './message.ts';
import { type Anchor, errorAnchor } from './runbook.ts';
import { shouldNotify } from './sweep-message.ts';

/** The sweep of one cluster: its report, or its error. */
export interface ClusterSweep {
  readonly name: string;
  readonly report?: SweepReport | undefined;
  readonly failure?: { readonly type: string; readonly reason: string; readonly exit: number } | undefined;
}

/** Maximum number of clusters in the detail of the event. */
const maxListed = 500;

/** The message about the sweeps that need one; undefined if none does. */
export function clustersMessage(
  sweeps: readonly ClusterSweep[],
  when: NotifyWhen,
  where: readonly string[],
): Message | undefined {
  const notable = sweeps.filter(({ report, failure }) =>
    report ? shouldNotify(report, when) : failure && when !== 'never',
  );
  if (notable.length === 0) return undefined;
  // The worst first: a long list is cut at its end.
  const sorted = [...notable].sort((a, b) => rankOf(a) - rankOf(b));
  const [worst] = sorted;
  return {
    severity: (['error', 'warning', 'warning', 'info'] as const)[rankOf(worst)] ?? 'info',
    headline: headlineOf(sweeps),
    lines: [...sorted.map(lineOf), ...where],
    anchor: anchorOf(worst),
    kind: 'Jobsweep Clusters Swept',
    thread: 'all-clusters',
    detail: { clusters: sorted.slice(0, maxListed).map(detailOf) },
  };
}

/** 0 is the worst: failed, refused, partial, done. */
function rankOf(sweep: ClusterSweep | undefined): 0 | 1 | 2 | 3 {
  if (!sweep?.report) return 0;
  return ({ refused: 1, partial: 2, done: 3 } as const)[sweep.report.status];
}

const anchorOf = (sweep: ClusterSweep | undefined): Anchor =>
  sweep?.report
    ? `status-${sweep.report.status}`
    : errorAnchor(sweep?.failure?.exit === 1 ? 'unexpected' : (sweep?.failure?.type ?? 'unexpected'));

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
      }
    : { name, error: { name: failure?.type, exit: failure?.exit } };
