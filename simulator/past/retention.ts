/**
 * @module The nightly cleanup of model snapshots. Of the ten days before the newest snapshot, it keeps all snapshots of
 * the last day and one snapshot of each earlier day.
 */

const day = 86_400_000;

export interface KeptSnapshot {
  readonly snapshotId: string;
  /** Wall-clock time in milliseconds, rounded to whole seconds. */
  readonly timestamp: number;
  readonly description: string;
  /** Event time. */
  readonly latestRecord?: number;
  readonly bytes: number;
}

/** The snapshots that one cleanup keeps, oldest first. Both limits, in days, count back from the newest snapshot. */
export function cleanUp(
  snapshots: readonly KeptSnapshot[],
  { retentionDays = 10, dailyAfterDays = 1 } = {},
): KeptSnapshot[] {
  const newest = Math.max(...snapshots.map(({ timestamp }) => timestamp));
  const oldest = newest - retentionDays * day;
  const slots = new Set<number>();
  return snapshots.filter((snapshot, index) => {
    if (index === snapshots.length - 1) return true;
    if (snapshot.timestamp < oldest) return false;
    if (snapshot.timestamp >= newest - dailyAfterDays * day) return true;
    const slot = Math.floor((snapshot.timestamp - oldest) / day);
    if (slots.has(slot)) return false;
    slots.add(slot);
    return true;
  });
}
