/** @module Why a fuse tripped and what to do, in one sentence each: for the terminal, pages and notifications. */
import { plural } from '../../base/text.ts';
import { moment } from '../../base/words.ts';
import type { BlownFuse } from '../planning/fuse.ts';
import type { FuseName } from '../vocabulary.ts';

const advice: Readonly<Record<FuseName, string>> = {
  upgrade_mode: 'try again when machine learning has left upgrade mode',
  mass_idle:
    'see whether their data still arrives; if they really are idle, set fuse.massIdle to false in the request',
  max_jobs: 'if that is meant, raise fuse.maxJobs in the request',
  max_share: 'if that is meant, raise fuse.maxShare in the request',
};

/** Why the fuse tripped, and what to do. */
export function fuseText(fuse: BlownFuse): string {
  return `REFUSED by the fuse ${fuse.name}: ${fuseFinding(fuse)}. Nothing was closed: ${advice[fuse.name]}`;
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
