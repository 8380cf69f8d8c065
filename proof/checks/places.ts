/** @module How many jobs of one node a sweep has closing at once. */
import { type Look, looks } from './looks.ts';
import type { Trial } from './trial.ts';

/** Only a number in the request is checked: `auto` depends on what each version reports of its nodes. */
export function keepsPlaces({ seen, wanted, run, claim }: Trial): void {
  const { places } = wanted;
  if (places === undefined) return;
  const asks = looks(seen).filter(({ close }) => !close.force);
  const isClosingAt = ({ jobId, close }: Look, at: number) => {
    const since = (run.history.get(jobId) ?? []).filter(
      (entry) => entry.at >= close.begunAt && entry.at <= at,
    );
    return since.length === 1 && since[0]?.state === 'closing' && since[0].at <= close.endedAt;
  };
  for (const close of seen.closes) {
    if (close.force) continue;
    const now = close.begunAt;
    const held = asks.filter(
      (ask) =>
        ask.close === close ||
        (ask.close.begunSeq < close.begunSeq &&
          now < ask.close.begunAt + wanted.closeTimeout &&
          isClosingAt(ask, now)),
    );
    for (const [node, ofNode] of Map.groupBy(held, ({ known }) => known?.stats?.node)) {
      if (node === undefined || !ofNode.some((ask) => ask.close === close)) continue;
      const jobs = new Set(ofNode.map(({ jobId }) => jobId));
      claim(
        jobs.size <= places,
        () => `${jobs.size} jobs closing at once on ${node}, close.perNode is ${places}`,
      );
    }
  }
}
