/**
 * @module The properties of every sweep. Each property has a sentence and a check, which makes claims about one
 * observed run. A false claim is a violation. If the check makes no claim about a run, that run did not try the
 * property.
 */
import {
  limitsCloseRequests,
  looksRightBefore,
  namesConcreteJobs,
  neverClosesActive,
  neverClosesUntouchable,
} from './checks/close-requests.ts';
import { keepsPlaces } from './checks/places.ts';
import { endsInTime, forcesByPolicy, obeysFuses } from './checks/policy.ts';
import {
  countsOnce,
  followsUpOrWarns,
  leadsToRunbook,
  readsAfterEachClose,
  reportsTheTruth,
  warnsOfMisspelledOptOuts,
} from './checks/reporting.ts';
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
    sentence: 'No job is closed if the look right before it showed activity newer than `idleFor`.',
    check: neverClosesActive,
  },
  {
    name: 'look',
    sentence:
      'No close request is sent for a job unless the job was completely read and judged again right before.',
    check: looksRightBefore,
  },
  {
    name: 'untouchable',
    sentence:
      'A job that is protected, excluded, managed (by default), blocked, unknown or outside `jobs` is never asked to close.',
    check: neverClosesUntouchable,
  },
  {
    name: 'names',
    sentence:
      'A close request names one or more existing jobs, each once, in one short line, and no wildcard, `_all` or group.',
    check: namesConcreteJobs,
  },
  {
    name: 'force',
    sentence:
      'A forced close names one job, which is failed or stuck and allowed by the policy, within `force.max`.',
    check: forcesByPolicy,
  },
  {
    name: 'fuse',
    sentence: 'A fuse that trips refuses the sweep and is reported by name; no fuse trips without cause.',
    check: obeysFuses,
  },
  {
    name: 'deadline',
    sentence: 'A sweep ends by its deadline and starts no work whose result it could not report by then.',
    check: endsInTime,
  },
  {
    name: 'bounded',
    sentence:
      'A job gets at most three close requests, the third one for it alone, and `close.concurrency` limits the parallel requests.',
    check: limitsCloseRequests,
  },
  {
    name: 'places',
    sentence: 'No node has more jobs of this sweep closing within their timeout than `close.perNode` allows.',
    check: keepsPlaces,
  },
  {
    name: 'counts',
    sentence:
      'Every listed job counts once, under its outcome, and is in `jobs` once unless it is only busy.',
    check: countsOnce,
  },
  {
    name: 'truth',
    sentence:
      'The report states what the cluster last reported about a job, and never relies on the answer to a close request.',
    check: reportsTheTruth,
  },
  {
    name: 'opt_out',
    sentence:
      'A misspelled opt-out gets a warning that names its key, whether it protects the job or is too far from the right spelling.',
    check: warnsOfMisspelledOptOuts,
  },
  {
    name: 'runbook',
    sentence:
      'Each warning has a code, which names its section of the runbook, and a report with something to look up has the link.',
    check: leadsToRunbook,
  },
  {
    name: 'after_each_close',
    sentence:
      'After every close, even a successful answer, its jobs are read again before the report states their outcome.',
    check: readsAfterEachClose,
  },
  {
    name: 'follow_up',
    sentence:
      'A job that is still closing gets a follow-up or a warning, and a follow-up contains no other jobs.',
    check: followsUpOrWarns,
  },
  {
    name: 'twice',
    sentence:
      'A second sweep repeats nothing: it sends no close request for jobs that are closed or closing.',
    check: doesNothingTwice,
  },
  {
    name: 'together',
    sentence:
      'Two simultaneous sweeps of one cluster together send no more close requests for a job than one may, and no job is in two follow-ups.',
    check: sharesTheCluster,
  },
  {
    name: 'credentials',
    sentence: 'No output contains credentials.',
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
      'If a part of the inventory cannot be read, or closing is not permitted, nothing is closed and an error says so. Names that match no job are warnings.',
    check: refusesHalfAnInventory,
  },
  {
    name: 'work',
    sentence:
      'Without faults and outside actions every idle job is closed. (A sweep that does nothing satisfies all the others.)',
    check: closesWhatIsIdle,
  },
  {
    name: 'ends',
    sentence: 'No sweep hangs or loops forever.',
    check: ({ run, claim }) => claim(!run.hung, () => `${run.requests.length} requests without an end`),
  },
];

/** Checks every property for one run. */
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
