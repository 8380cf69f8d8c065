/** @module Report files of various sizes, which the command writes in simulated time. */
import type { FleetJob } from '../../simulator/index.ts';
import type { Folder } from './folder.ts';
import { runOn } from './run-on.ts';
import { startSetup } from './sweep-setup.ts';

const hour = 3_600_000;

/**
 * Jobs on five nodes. The share `idleShare` of them has been idle for days or months, and some jobs are slow, stuck or
 * failed.
 */
export function manyJobs(count: number, idleShare: number): FleetJob[] {
  return Array.from({ length: count }, (_, index): FleetJob => {
    const isIdle = (index * 37) % 100 < idleShare * 100;
    // multiples of the golden ratio are evenly distributed without random numbers
    const spread = (index * 0.6180339887) % 1;
    const idleMs = isIdle ? 50 * hour * 40 ** spread : spread ** 6 * 30 * hour;
    const size = Math.round(4 * 300 ** ((index * 0.7548776662) % 1));
    return {
      jobId: `${['web', 'payments', 'infra', 'security'][index % 4]}-${['latency', 'errors', 'logins', 'rare-process'][(index % 7) % 4]}-${String(index).padStart(4, '0')}`,
      node: `ml-${index % 5}`,
      openedAt: '200d',
      lastData: `${Math.round(idleMs / 1_000) + 1}s`,
      modelBytes: `${size}mb`,
      closeTakes: index % 211 === 0 ? '9m' : `${1 + Math.round(size / 30)}s`,
      ...(isIdle && index % 97 === 0 && { state: 'failed' as const }),
      ...(isIdle && index % 31 === 0 && { customSettings: { jobsweep: { protect: true } } }),
    };
  });
}

export const nodes = Array.from({ length: 5 }, (_, index) => ({ name: `ml-${index}` }));
const noFuses = { fuse: { maxShare: null, massIdle: false, maxJobs: null }, force: { max: 100 } };

/** Writes the HTML report of a plan or a sweep of `count` jobs, and returns its path. */
export async function htmlReport(
  folder: Folder,
  command: 'plan' | 'sweep',
  count: number,
  idleShare: number,
): Promise<string> {
  await using setup = await startSetup(manyJobs(count, idleShare), { nodes });
  const file = folder.at(`${command}-${count}.html`);
  const args = [
    command,
    '-p',
    '-',
    '--output-file',
    file,
    ...(command === 'sweep' ? ['--yes', '--wait'] : []),
  ];
  const stdin = JSON.stringify({ ...noFuses, close: { concurrency: 4 } });
  const { exit, stderr } = await runOn(setup, args, { stdin });
  if (exit !== 0) throw new Error(`${command} of ${count} jobs ended with ${exit}: ${stderr}`);
  return file;
}
