/**
 * @module What can never happen, each a sentence with its check over one observed run. A check makes claims about what
 * was seen; a claim that does not hold is a violation, and a run in which no claim was made did not try the property.
 */
import {
  asksWithinBounds,
  looksRightBefore,
  namesConcreteJobs,
  neverAsksUntouchable,
  neverClosesActive,
} from './checks/asking.ts';
import { endsInTime, forcesByPolicy, obeysFuses } from './checks/policy.ts';
import { countsOnce, followsUpOrWarns, readsAfterEachClose, tellsTheTruth } from './checks/reporting.ts';
import type { Claim, Trial } from './checks/trial.ts';
import {
  changesNothingInPlan,
  closesWhatIsIdle,
  doesNothingTwice,
  hidesCredentials,
  refusesHalfAnInventory,
  sharesTheCluster,
} from './checks/whole-sweep.ts';
import type { Observation } from './observe.ts';
import { wantedBy } from './reference.ts';

export interface Property {
  readonly name: string;
  readonly sentence: string;
  readonly check: (trial: Trial) => void;
}

export interface Verdict {
  readonly property: Property;
  readonly tried: boolean;
  readonly violations: readonly string[];
}

export const properties: readonly Property[] = [
  {
    name: 'activity',
    sentence: 'A job with activity newer than `idleFor`, as the look right before told it, is never closed.',
    check: neverClosesActive,
  },
  {
    name: 'look',
    sentence: 'Nothing is asked that was not read whole right before, and judged anew.',
    check: looksRightBefore,
  },
  {
    name: 'untouchable',
    sentence:
      'A job that is protected, excluded, managed (by default), blocked, unknown or outside `jobs` is never asked.',
    check: neverAsksUntouchable,
  },
  {
    name: 'names',
    sentence:
      'A close is never empty, a wildcard, `_all` or a group: it names existing jobs, each once, in one short line.',
    check: namesConcreteJobs,
  },
  {
    name: 'force',
    sentence:
      'Nothing is forced outside the policy: one job by itself, failed or stuck, allowed, within `force.max`.',
    check: forcesByPolicy,
  },
  {
    name: 'fuse',
    sentence: 'Nothing is done past a fuse: it refuses, with its name, and never without a cause.',
    check: obeysFuses,
  },
  {
    name: 'deadline',
    sentence: 'No work is started that cannot be accounted for before the deadline, and a sweep ends by it.',
    check: endsInTime,
  },
  {
    name: 'bounded',
    sentence:
      'A job is asked three times at most, the third time alone, and never more requests at once than allowed.',
    check: asksWithinBounds,
  },
  {
    name: 'counts',
    sentence:
      'Every listed job is in the counts once, by what became of it, and in `jobs` once unless it is only busy.',
    check: countsOnce,
  },
  {
    name: 'truth',
    sentence:
      'What the report says of a job is what the cluster said of it last, and no answer to a close is believed.',
    check: tellsTheTruth,
  },
  {
    name: 'after_each_close',
    sentence:
      'After any close, clean answers included, its jobs are read again before the report says what became of them.',
    check: readsAfterEachClose,
  },
  {
    name: 'follow_up',
    sentence: 'A job left closing has a follow-up or a warning, and a follow-up has nothing else.',
    check: followsUpOrWarns,
  },
  {
    name: 'twice',
    sentence:
      'Running a sweep twice does nothing more than once: what is closed or closing is not asked again.',
    check: doesNothingTwice,
  },
  {
    name: 'together',
    sentence:
      'Two sweeps of one cluster at the same time ask no job more often than one may, and double no follow-up.',
    check: sharesTheCluster,
  },
  {
    name: 'credentials',
    sentence: 'Credentials are in no output.',
    check: hidesCredentials,
  },
  {
    name: 'plan',
    sentence: 'A plan changes nothing.',
    check: changesNothingInPlan,
  },
  {
    name: 'unreadable',
    sentence:
      'When a part of the inventory cannot be read, or may not be acted on, nothing is closed and an error says so.',
    check: refusesHalfAnInventory,
  },
  {
    name: 'work',
    sentence:
      'In a calm world everything that is idle gets closed: what does nothing would keep all the rest.',
    check: closesWhatIsIdle,
  },
  {
    name: 'ends',
    sentence: 'No input makes a sweep hang or loop.',
    check: ({ run, claim }) => claim(!run.hung, () => `${run.requests.length} requests and no end`),
  },
];

/** Every property over one run. */
export function judgeRun(run: Observation): Verdict[] {
  return properties.map((property) => {
    let tried = false;
    const violations: string[] = [];
    const claim: Claim = (holds, otherwise) => {
      tried = true;
      if (!holds) violations.push(otherwise());
    };
    for (const seen of run.sweeps) property.check({ seen, wanted: wantedBy(seen.payload), run, claim });
    return { property, tried, violations: [...new Set(violations)] };
  });
}
