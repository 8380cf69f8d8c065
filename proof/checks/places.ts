/** @module How many jobs of one node a sweep has closing at once. */
import type { Close, SweepSeen } from '../observe.ts';
import { type Told, toldOf } from '../reference.ts';
import type { Trial } from './trial.ts';

interface Ask {
  readonly jobId: string;
  readonly close: Close;
  readonly node: string | undefined;
}

/** Only a number in the request is checked: `auto` depends on what each version reports of its nodes. */
export function keepsPlaces({ seen, wanted, run, claim }: Trial): void {
  const { places } = wanted;
  if (places === undefined) return;
  const asks = seen.closes.flatMap((close) =>
    close.force ? [] : close.ids.map((id) => askOf(seen, close, id)),
  );
  const isClosingAt = ({ jobId, close }: Ask, at: number) => {
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
    for (const [node, ofNode] of Map.groupBy(held, (ask) => ask.node)) {
      if (node === undefined || !ofNode.some((ask) => ask.close === close)) continue;
      const jobs = new Set(ofNode.map(({ jobId }) => jobId));
      claim(
        jobs.size <= places,
        () => `${jobs.size} jobs closing at once on ${node}, close.perNode is ${places}`,
      );
    }
  }
}

function askOf(seen: SweepSeen, close: Close, jobId: string): Ask {
  const told: Told | undefined = toldOf(seen, jobId, close.begunSeq);
  return { jobId, close, node: told?.stats?.node };
}
