/**
 * @module The final lines of a sweep on standard error: which closes are still in progress, and how to undo the sweep.
 */
import { plural, printable } from '../../base/text.ts';
import type { SweepReport } from '../../sweep/reporting/report.ts';
import type { Io } from '../io.ts';
import { formOfFile, type OutputOptions } from '../output/output.ts';
import { fitted } from '../output/table.ts';

export const hasClosed = ({ counts }: SweepReport): boolean => counts.closed + counts.forceClosed > 0;

export interface UndoOptions extends OutputOptions {
  readonly clusters?: string;
  readonly embedded?: boolean;
}

const maxIdsNamed = 20;

export function closingWords(
  report: SweepReport,
  options: UndoOptions,
  { isKept, io }: { readonly isKept: boolean; readonly io: Pick<Io, 'signal' | 'stderr'> },
): string[] {
  return [
    ...(io.signal.aborted ? [fitted(stoppedWords(report, io.signal), io.stderr)] : []),
    ...(hasClosed(report) && !options.embedded
      ? [undoWords(report, options, { isKept, stderr: io.stderr })]
      : []),
  ];
}

/** Stopping a sweep does not stop closes that the cluster has begun. */
function stoppedWords({ jobs }: SweepReport, { reason }: AbortSignal): string {
  const closing = jobs.filter(({ outcome }) => outcome === 'closing').map(({ jobId }) => jobId);
  const why = reason instanceof Error ? reason.message : 'stopped';
  const who = why === 'stopped by SIGINT' ? 'stopped by you' : why;
  if (closing.length === 0) return who;
  const more = closing.length > maxIdsNamed ? ` and ${closing.length - maxIdsNamed} more` : '';
  const ids = closing.slice(0, maxIdsNamed).map(printable).join(', ');
  const these = closing.length === 1 ? 'this job' : `these ${plural(closing.length, 'job')}`;
  return `${who}; the cluster is still closing ${these}: ${ids}${more}`;
}

function undoWords(
  { cluster }: SweepReport,
  options: UndoOptions,
  { isKept, stderr }: { readonly isKept: boolean; readonly stderr: Io['stderr'] },
): string {
  const { clusters, outputFile } = options;
  const settings = clusters === undefined ? '' : ` --clusters ${clusters}`;
  const named = cluster.name === 'default' ? '' : ` --cluster ${cluster.name}`;
  if (isKept) return `undo with: jobsweep reopen --last${named}${settings}`;
  const form = formOfFile(options);
  // A command to copy and paste must stay on one line.
  if (form === 'json' || form === 'ndjson') return `undo with: jobsweep reopen ${outputFile}${settings}`;
  const words = `undo with: jobsweep reopen REPORT${settings}, where REPORT is a file with this report as JSON`;
  return fitted(words, stderr);
}
