/** @module Why a fuse tripped and what to do, in one sentence each: for the terminal, pages and notifications. */
import { plural } from '../../base/text.ts';
import { moment } from '../../base/words.ts';
import type { BlownFuse } from '../planning/fuse.ts';
import type { FuseName } from '../vocabulary.ts';

/** People read these texts in a hurry, so each says first what to check. None suggests raising a limit permanently. */
const advice: Readonly<Record<FuseName, string>> = {
  upgrade_mode: 'The next sweep after the upgrade runs; end upgrade mode if the upgrade is over',
  mass_idle:
    'First check whether data still arrives, and repair the ingest if it does not; only if they are idle, set fuse.massIdle to false for one sweep',
  max_jobs:
    'First check in the plan whether these jobs are idle, or have lost their data; only if they are idle, raise fuse.maxJobs for one sweep',
  max_share:
    'First check in the plan whether these jobs are idle, or have lost their data; only if they are idle, raise fuse.maxShare for one sweep',
};

/** Why the fuse tripped, and what to do. */
export function fuseText(fuse: BlownFuse): string {
  return `REFUSED by the fuse ${fuse.name}: ${fuseFinding(fuse)}. Nothing was closed. ${advice[fuse.name]}`;
}

/** What the fuse found, with its numbers. */
export function fuseFinding({ name, idle, open, limit, together }: BlownFuse): string {
  switch (name) {
    case 'upgrade_mode':
      return 'machine learning is in upgrade mode, and a job closed now would not come back with the others';
    case 'mass_idle':
      return together
        ? `${together.jobs} of ${plural(open, 'open job')} fell silent between ${moment(together.from)} and ${moment(together.to)}, which looks like an ingest outage`
        : `${idle} of ${plural(open, 'open job')} fell silent together, which looks like an ingest outage`;
    case 'max_jobs':
      return `${plural(idle, 'job')} would be closed, and ${limit} are allowed`;
    case 'max_share':
      return `${idle} of ${plural(open, 'open job')} would be closed, and a share of ${limit} is allowed`;
  }
}
