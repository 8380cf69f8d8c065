/**
 * @module What can never happen, each a sentence with its check over one observed run. A check makes claims about what
 * was seen; a claim that does not hold is a violation, and a run in which no claim was made did not try the property.
 */
import type { ReportedJob, SweepReport } from '../../src/sweep/report.ts';
import { type CaseJob, idAt } from './case.ts';
import {
  type Close,
  lastRead,
  type Observation,
  type Read,
  type ReadKind,
  type SweepSeen,
  toldBy,
} from './observe.ts';
import {
  type Decision,
  decide,
  fuseOf,
  inventoryOf,
  names,
  namesWithoutJob,
  type Past,
  plannedFor,
  type Told,
  toldOf,
  type Wanted,
  wantedBy,
} from './reference.ts';

/** Says that something holds; `otherwise` tells what was seen instead. */
export type Claim = (holds: boolean, otherwise: () => string) => void;

/** One sweep of a run, with what its payload asks for by the contract. */
export interface Trial {
  readonly seen: SweepSeen;
  readonly wanted: Wanted;
  readonly run: Observation;
  readonly claim: Claim;
}

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
    check: ({ seen, wanted, claim }) => {
      for (const { jobId, told } of looks(seen)) {
        const { lastData, opened } = told?.stats ?? {};
        const now = told?.at ?? 0;
        // a moment is told by the cluster's clock and held against ours; how long it is open is told as such
        const ages = [lastData && now - lastData, opened && now - seen.skewMs - opened];
        for (const age of ages)
          claim(
            age === undefined || age >= wanted.idleFor,
            () => `${jobId} was active ${age} ms before and was asked to close`,
          );
      }
    },
  },
  {
    name: 'look',
    sentence: 'Nothing is asked that was not read whole right before, and judged anew.',
    check: ({ seen, claim }) => {
      for (const { jobId, close, told, previous } of looks(seen)) {
        claim(told !== undefined && !told.feedUnread, () => `${jobId} was asked without being read whole`);
        const configs = lastRead(seen, 'configs', jobId, close.begunSeq);
        const stats = lastRead(seen, 'stats', jobId, close.begunSeq);
        claim(
          configs?.ids !== undefined && stats?.ids !== undefined,
          () => `${jobId} was asked on the word of the first inventory`,
        );
        for (const read of [configs, stats])
          claim(
            previous === undefined || (read !== undefined && isAfter(read, previous)),
            () => `${jobId} was asked again without a look since the last ask`,
          );
        // as old as the oldest of its parts; a cluster that is slow to answer may take this long to tell
        const servedAt = [configs, stats].map((read) => (read && toldBy(read, jobId)?.at) ?? 0);
        const age = close.begunAt - Math.min(...servedAt);
        claim(age <= 30_000, () => `${jobId} was asked ${age} ms after it was read`);
      }
    },
  },
  {
    name: 'untouchable',
    sentence:
      'A job that is protected, excluded, managed (by default), blocked, unknown or outside `jobs` is never asked.',
    check: ({ seen, wanted, claim }) => {
      const inventory = inventoryOf(seen, wanted);
      for (const { jobId, told, past } of looks(seen, wanted)) {
        claim(
          inventory?.listed.some((entry) => entry.jobId === jobId) === true,
          () => `${jobId} is not in the sweep's scope and was asked`,
        );
        const decision = told && decide(wanted, told, past);
        claim(
          decision?.verdict === 'close' || decision?.verdict === 'force',
          () => `${jobId} was to be kept (${decision?.reason}) and was asked`,
        );
        claim(told?.stats?.state !== 'closed', () => `${jobId} was closed already and was asked`);
        const first = inventory?.listed.find((entry) => entry.jobId === jobId)?.decision;
        claim(first?.verdict !== 'keep', () => `${jobId} was kept at first (${first?.reason}) and was asked`);
      }
    },
  },
  {
    name: 'names',
    sentence:
      'A close is never empty, a wildcard, `_all` or a group: it names existing jobs, each once, in one short line.',
    check: ({ seen, wanted, run, claim }) => {
      const sent = closeRequests(run, seen);
      // a group whose last job was deleted before the sweep listed the jobs is none any more
      const listing = seen.reads.find((read) => read.kind === 'configs' && read.ids === undefined);
      const known = [...((listing && toldBy(listing, '')?.truth.values()) ?? [])];
      const groupNames = new Set(known.flatMap(({ groups }) => groups));
      for (const { path, query, lineBytes, body } of sent) {
        const named = decodeURIComponent(
          path.slice('/_ml/anomaly_detectors/'.length, -'/_close'.length),
        ).split(',');
        for (const name of named) {
          claim(
            /^[a-z0-9]([a-z0-9_.-]{0,62}[a-z0-9])?$/.test(name),
            () => `"${name}" stood in a close request`,
          );
          claim(run.jobIds.has(name), () => `"${name}" is no job and stood in a close request`);
          claim(!groupNames.has(name), () => `"${name}" is a group and stood in a close request`);
        }
        claim(new Set(named).size === named.length, () => `${path} names a job twice`);
        claim(
          named.length <= wanted.batch,
          () => `${named.length} jobs in one request, close.batch is ${wanted.batch}`,
        );
        claim(lineBytes <= 4_096, () => `a request line of ${lineBytes} bytes`);
        claim(
          query.includes('allow_no_match=false') && body === '',
          () => `${path}?${query} could close nothing or more`,
        );
      }
      claim(
        sent.length <= seen.closes.length,
        () => `${seen.closes.length} closes were decided and ${sent.length} were sent`,
      );
    },
  },
  {
    name: 'force',
    sentence:
      'Nothing is forced outside the policy: one job by itself, failed or stuck, allowed, within `force.max`.',
    check: ({ seen, wanted, claim }) => {
      const forced = new Set<string>();
      for (const { jobId, close, told, past } of looks(seen, wanted)) {
        const decision = told && decide(wanted, told, past);
        if (!close.force) {
          claim(decision?.verdict !== 'force', () => `${jobId} was to be forced and was asked gracefully`);
          continue;
        }
        forced.add(jobId);
        claim(close.ids.length === 1, () => `${close.ids.length} jobs were forced in one request`);
        claim(
          decision?.verdict === 'force',
          () => `${jobId} was forced: ${told?.stats?.state}, ${decision?.verdict} ${decision?.reason}`,
        );
        claim(
          !names(wanted.neverForced, jobId, told?.config?.groups ?? []),
          () => `${jobId} is in force.exclude and was forced`,
        );
        const answerable = seen.closes.some(
          (other) =>
            other !== close &&
            other.ids.includes(jobId) &&
            other.begunSeq < close.begunSeq &&
            other.endedSeq > close.begunSeq,
        );
        claim(!answerable, () => `${jobId} was forced while its own close could still be answered`);
      }
      if (forced.size > 0)
        claim(
          forced.size <= wanted.mostForced,
          () => `${forced.size} jobs forced, force.max is ${wanted.mostForced}`,
        );
    },
  },
  {
    name: 'fuse',
    sentence: 'Nothing is done past a fuse: it refuses, with its name, and never without a cause.',
    check: ({ seen, wanted, claim }) => {
      const inventory = inventoryOf(seen, wanted);
      const { report } = seen;
      if (!inventory || !report) return;
      const fuse = fuseOf(wanted, inventory, seen.upgradeMode);
      if (fuse !== null) claim(seen.closes.length === 0, () => `${fuse} holds and something was asked`);
      claim(
        (report.fuse?.name ?? null) === fuse,
        () => `the fuse is ${report.fuse?.name}, and should be ${fuse}`,
      );
      claim(
        (report.status === 'refused') === (fuse !== null),
        () => `${report.status} with the fuse ${fuse}`,
      );
    },
  },
  {
    name: 'deadline',
    sentence: 'No work is started that cannot be accounted for before the deadline, and a sweep ends by it.',
    check: ({ seen, wanted, run, claim }) => {
      const deadline = seen.startedAt + seen.remainingMs;
      claim(seen.endedAt <= deadline, () => `ended ${seen.endedAt - deadline} ms after its deadline`);
      if (seen.stoppedAt !== undefined && seen.stoppedAt <= seen.endedAt)
        claim(
          seen.endedAt - seen.stoppedAt <= 10_000,
          () => `ended ${seen.endedAt - (seen.stoppedAt ?? 0)} ms after SIGTERM`,
        );
      for (const { jobId, close, told } of looks(seen)) {
        const phases = told?.feed && told.feed.state !== 'stopped' ? 2 : 1;
        const end = close.begunAt + phases * close.timeoutMs;
        claim(end < deadline, () => `${jobId} was given until ${end - deadline} ms after the deadline`);
        claim(close.timeoutMs <= wanted.closeTimeout, () => `the server was given ${close.timeoutMs} ms`);
        claim(
          close.endedAt - close.begunAt <= close.timeoutMs + 10_000,
          () => `${jobId} was waited for too long`,
        );
        claim(
          seen.stoppedAt === undefined || close.begunAt <= seen.stoppedAt,
          () => `${jobId} was asked after SIGTERM`,
        );
      }
      claim(run.lingering === 0, () => `${run.lingering} requests after the last sweep had ended`);
    },
  },
  {
    name: 'bounded',
    sentence:
      'A job is asked three times at most, the third time alone, and never more requests at once than allowed.',
    check: ({ seen, wanted, claim }) => {
      const asks = new Map<string, number>();
      for (const close of seen.closes) {
        for (const jobId of close.ids) {
          const count = (asks.get(jobId) ?? 0) + 1;
          asks.set(jobId, count);
          claim(count <= 3, () => `${jobId} was asked ${count} times`);
          claim(count < 3 || close.ids.length === 1, () => `${jobId} was asked a third time with others`);
        }
        const together = seen.closes.filter(
          (other) => other.begunSeq <= close.begunSeq && other.endedSeq > close.begunSeq,
        ).length;
        claim(together <= wanted.concurrency, () => `${together} requests at once`);
      }
    },
  },
  {
    name: 'counts',
    sentence:
      'Every listed job is in the counts once, by what became of it, and in `jobs` once unless it is only busy.',
    check: ({ seen, wanted, claim }) => {
      const { report } = seen;
      const inventory = inventoryOf(seen, wanted);
      if (!report || !inventory) return;
      const { counts, jobs, kept } = report;
      const sum = outcomeCounts.reduce((total, [, count]) => total + counts[count], 0);
      claim(sum === counts.listed, () => `listed ${counts.listed}, and the outcomes sum to ${sum}`);
      claim(
        counts.listed === inventory.listed.length,
        () => `listed ${counts.listed} of ${inventory.listed.length}`,
      );
      claim(
        counts.open === inventory.open.length,
        () => `open ${counts.open}, and ${inventory.open.length} are`,
      );
      const ids = jobs.map(({ jobId }) => jobId);
      claim(new Set(ids).size === ids.length, () => 'a job is in `jobs` twice');
      for (const [outcome, count] of outcomeCounts) {
        const told = jobs.filter((job) => job.outcome === outcome).length;
        const silent =
          outcome === 'kept' ? quiet.reduce((total, reason) => total + (kept[reason] ?? 0), 0) : 0;
        claim(
          told <= counts[count] && told >= counts[count] - silent,
          () => `${counts[count]} ${outcome}, and ${told} in jobs`,
        );
      }
      const reasons = Map.groupBy(
        inventory.listed.filter(({ decision }) => decision.verdict === 'keep'),
        ({ decision }) => decision.reason,
      );
      for (const reason of new Set([...reasons.keys(), ...Object.keys(kept)])) {
        const expected = reasons.get(reason)?.length ?? 0;
        const got = kept[reason as keyof typeof kept] ?? 0;
        claim(got === expected, () => `${got} kept for ${reason}, expected ${expected}`);
      }
      const idle = jobs.filter(({ verdict }) => verdict === 'close' || verdict === 'force').length;
      claim(idle === counts.idle, () => `idle ${counts.idle}, and ${idle} have such a verdict`);
      const freed = jobs
        .filter(({ outcome }) => outcome === 'closed' || outcome === 'force_closed')
        .reduce((total, { memoryBytes = 0 }) => total + memoryBytes, 0);
      claim(freed === report.freedBytes, () => `freed ${report.freedBytes}, the jobs closed had ${freed}`);
      for (const { jobId, decision } of inventory.listed) {
        const job = jobs.find((entry) => entry.jobId === jobId);
        if (quiet.some((reason) => reason === decision.reason)) continue;
        claim(job !== undefined, () => `${jobId} (${decision.reason}) is not in jobs`);
        if (decision.verdict === 'keep')
          claim(
            job?.outcome === 'kept' && job.reason === decision.reason,
            () => `${jobId} was to be kept for ${decision.reason}, and is ${job?.outcome} ${job?.reason}`,
          );
        else
          claim(
            job?.outcome !== 'kept',
            () => `${jobId} was kept for ${job?.reason}, expected ${decision.verdict}`,
          );
      }
    },
  },
  {
    name: 'truth',
    sentence:
      'What the report says of a job is what the cluster said of it last, and no answer to a close is believed.',
    check: (trial) => {
      const { report } = trial.seen;
      if (!report) return;
      for (const job of report.jobs) checkTruth(job, report, trial);
      const undone = report.jobs.some((job) => leavesUndone(job, trial.seen));
      const expected = report.fuse ? 'refused' : undone && !report.dryRun ? 'partial' : 'done';
      trial.claim(report.status === expected, () => `the status is ${report.status}, expected ${expected}`);
      trial.claim(
        !report.warnings.some((warning) => warning.includes('bug')),
        () => `a bug: ${report.warnings.join('; ')}`,
      );
    },
  },
  {
    name: 'after_each_close',
    sentence:
      'After any close, clean answers included, its jobs are read again before the report says what became of them.',
    check: ({ seen, claim }) => {
      if (seen.closes.length > 0)
        claim(
          seen.report !== undefined,
          () => `something was asked, and there is no report: ${seen.error?.message}`,
        );
      for (const close of seen.closes)
        for (const jobId of close.ids) {
          const looked = seen.reads.some(
            (read) => read.kind === 'stats' && isAfter(read, close) && (read.ids?.includes(jobId) ?? true),
          );
          claim(looked, () => `${jobId} was asked and never looked at again`);
        }
    },
  },
  {
    name: 'follow_up',
    sentence: 'A job left closing has a follow-up or a warning, and a follow-up has nothing else.',
    check: ({ seen, claim }) => {
      const { report } = seen;
      if (!report || report.dryRun) return;
      const followed = new Set([...seen.arranged.flatMap(({ jobIds }) => jobIds), ...seen.pending]);
      const warned = report.warnings.some((warning) =>
        /come back|did not fit into the follow-up/.test(warning),
      );
      for (const { jobId, outcome } of report.jobs)
        if (outcome === 'closing')
          claim(followed.has(jobId) || warned, () => `${jobId} is left closing and nobody says a word`);
      for (const { order, jobIds } of seen.arranged) {
        claim(order.at >= seen.endedAt + seen.skewMs + 110_000, () => 'a follow-up in less than two minutes');
        claim(order.jobs.length === jobIds.length && jobIds.length > 0, () => 'an empty follow-up');
        for (const { jobId, attempts } of order.jobs) {
          const job = report.jobs.find((entry) => entry.jobId === jobId);
          claim(
            job?.outcome === 'closing' || (job?.outcome === 'not_attempted' && job.reason === 'stuck'),
            () => `${jobId} is ${job?.outcome} and has a follow-up`,
          );
          claim(
            attempts === job?.attempts,
            () => `${jobId}: ${attempts} attempts told, ${job?.attempts} made`,
          );
          claim(!seen.pending.has(jobId), () => `${jobId} is in two pending follow-ups`);
        }
        claim(report.followUp?.jobs === jobIds.length, () => `the report counts ${report.followUp?.jobs}`);
      }
    },
  },
  {
    name: 'twice',
    sentence: 'Running a sweep twice does nothing more than once: what is closed is not asked again.',
    check: ({ seen, run, claim }) => {
      const earlier = run.sweeps.slice(0, run.sweeps.indexOf(seen));
      if (earlier.length === 0 || run.case.repetition === 'together') return;
      for (const [jobId, { state }] of seen.before) {
        const opened = run.done.some(
          (deed) => deed.jobId === jobId && deed.deed.includes('opened') && deed.at >= seen.startedAt,
        );
        if (state !== 'closed' || opened) continue;
        const asked = seen.closes.some((close) => close.ids.includes(jobId));
        claim(!asked, () => `${jobId} was closed before this sweep and was asked by it`);
      }
    },
  },
  {
    name: 'credentials',
    sentence: 'Credentials are in no output.',
    check: ({ seen, run, claim }) => {
      const { error, report } = seen;
      const output = error
        ? `${error.stack}\n${JSON.stringify(error)}\n${String(error.cause)}`
        : JSON.stringify(report);
      for (const secret of run.secrets)
        claim(!output.includes(secret), () => 'a credential is in the output');
    },
  },
  {
    name: 'plan',
    sentence: 'A plan changes nothing.',
    check: ({ seen, wanted, run, claim }) => {
      if (!wanted.dryRun) return;
      claim(seen.closes.length === 0 && seen.arranged.length === 0, () => 'a plan asked for something');
      const own = run.requests.filter(({ headers }) => headers.authorization === seen.authorization);
      for (const { method, path } of own)
        claim(method === 'GET' || path.endsWith('/_has_privileges'), () => `a plan sent ${method} ${path}`);
      for (const job of seen.report?.jobs ?? [])
        claim(
          ['kept', 'not_attempted', 'closing', 'closed', 'gone'].includes(job.outcome),
          () => `${job.jobId} is ${job.outcome} in a plan`,
        );
    },
  },
  {
    name: 'unreadable',
    sentence:
      'When a part of the inventory cannot be read, or may not be acted on, nothing is closed and an error says so.',
    check: ({ seen, wanted, claim }) => {
      const inventory = inventoryOf(seen, wanted);
      const told = { error: seen.error };
      const named = seen.error !== undefined && 'exitCode' in seen.error;
      if (seen.error) claim(named, () => `an unexpected error: ${seen.error?.stack}`);
      if (!inventory) {
        claim(
          seen.closes.length === 0 && named,
          () => `half an inventory: ${told.error?.message ?? 'a report'}`,
        );
        return;
      }
      const missing = namesWithoutJob(seen, wanted);
      const acts = inventory.listed.some(
        ({ decision }) => decision.verdict === 'close' || decision.verdict === 'force',
      );
      const refused =
        missing.length > 0 && !wanted.allowNoMatch
          ? 'NoSuchJobError'
          : acts && seen.mayClose === false && !wanted.dryRun
            ? 'AccessDeniedError'
            : undefined;
      if (refused) claim(seen.error?.name === refused, () => `expected ${refused}, got ${seen.error?.name}`);
      else
        claim(
          seen.report !== undefined,
          () => `expected a report, got ${seen.error?.name}: ${seen.error?.message}`,
        );
    },
  },
  {
    name: 'work',
    sentence:
      'In a calm world everything that is idle gets closed: what does nothing would keep all the rest.',
    check: ({ seen, wanted, run, claim }) => {
      const { report } = seen;
      const inventory = inventoryOf(seen, wanted);
      if (!report || report.fuse || wanted.dryRun || !inventory) return;
      const acting = inventory.listed.filter(({ decision }) => ['close', 'force'].includes(decision.verdict));
      if (!calm(run, wanted, new Set(acting.map(({ jobId }) => jobId)))) return;
      const fates = new Map(report.jobs.map(({ jobId, outcome }) => [jobId, outcome]));
      for (const { jobId, decision } of acting)
        if (decision.verdict === 'close')
          claim(fates.get(jobId) === 'closed', () => `${jobId} is idle, and ${fates.get(jobId)}`);
      const toForce = acting.filter(({ decision }) => decision.verdict === 'force');
      const forced = toForce.filter(({ jobId }) => fates.get(jobId) === 'force_closed').length;
      const expected = Math.min(toForce.length, wanted.mostForced);
      claim(forced >= expected, () => `${forced} of ${expected} jobs were forced`);
    },
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

const quiet = ['recent_data', 'recently_opened', 'excluded'] as const;

const outcomeCounts = [
  ['closed', 'closed'],
  ['force_closed', 'forceClosed'],
  ['already_closed', 'alreadyClosed'],
  ['closing', 'closing'],
  ['error', 'errors'],
  ['unknown', 'unknown'],
  ['revived', 'revived'],
  ['gone', 'gone'],
  ['not_attempted', 'notAttempted'],
  ['kept', 'kept'],
] as const;

interface Look {
  readonly jobId: string;
  readonly close: Close;
  readonly told: Told | undefined;
  readonly past: Past;
  /** The last close before this one that named the job. */
  readonly previous: Close | undefined;
}

/** Each job of each close, with what the sweep had been told of it when it asked. */
function looks(seen: SweepSeen, wanted?: Wanted): Look[] {
  return seen.closes.flatMap((close, index) =>
    close.ids.map((jobId) => ({
      jobId,
      close,
      told: toldOf(seen, jobId, close.begunSeq),
      past: wanted ? pastOf(seen, wanted, jobId, close.begunSeq) : {},
      previous: seen.closes.slice(0, index).findLast(({ ids }) => ids.includes(jobId)),
    })),
  );
}

/** What a sweep knew of a job's past at `seq`: its chain's word, its own asks, and when it first saw the job closing. */
function pastOf(seen: SweepSeen, wanted: Wanted, jobId: string, seq: number): Past {
  const chained = wanted.chain?.jobs.findLast((job) => job.jobId === jobId);
  const firstStats = seen.reads.find((read) => read.kind === 'stats' && read.ids === undefined);
  const found = firstStats && toldBy(firstStats, jobId)?.truth.get(jobId)?.state;
  const asked = seen.closes.find(({ ids, begunSeq }) => begunSeq < seq && ids.includes(jobId));
  const sawClosing = seen.reads.find(
    (read) =>
      read.kind === 'stats' &&
      read.ok &&
      read.endedSeq < seq &&
      toldBy(read, jobId)?.truth.get(jobId)?.state === 'closing',
  );
  const firsts = [
    found === 'closing' && chained ? Date.parse(chained.askedAt) : undefined,
    asked && asked.begunAt + seen.skewMs,
    sawClosing && Math.max(sawClosing.endedAt, sawClosing.ids ? 0 : (seen.foundAt ?? 0)) + seen.skewMs,
  ].filter((moment) => moment !== undefined);
  const history = seen.histories.get(jobId) ?? {};
  const remembered = chained?.lastActivity;
  return {
    askedAt: firsts.length > 0 ? Math.min(...firsts) : undefined,
    flapping: history.flapping,
    planned: wanted.chain ? undefined : plannedFor(seen, jobId),
    lastActivity: remembered === undefined ? history.lastActivity : Date.parse(remembered),
  };
}

function checkTruth(job: ReportedJob, report: SweepReport, { seen, wanted, claim }: Trial): void {
  const { jobId, outcome } = job;
  const asks = seen.closes.filter(({ ids }) => ids.includes(jobId));
  const chained = wanted.chain?.jobs.findLast((entry) => entry.jobId === jobId);
  const read = lastRead(seen, 'stats', jobId);
  const truth = read && toldBy(read, jobId)?.truth.get(jobId);
  const state = truth === undefined || truth.hidden ? 'gone' : truth.state;
  const says = (holds: boolean, why: string) =>
    claim(
      holds,
      () =>
        `${jobId} is reported ${outcome} (${job.reason}); ${why}; told last: ${state}, asked ${asks.length} times`,
    );
  claim(
    job.attempts === asks.length + (chained?.attempts ?? 0),
    () => `${jobId} has ${job.attempts} attempts, and was asked ${asks.length} times`,
  );
  const lastAsk = asks.at(-1);
  const readSince = lastAsk === undefined || (read !== undefined && isAfter(read, lastAsk));
  switch (outcome) {
    case 'closed':
      says(state === 'closed' && readSince, 'it is not closed');
      says(asks.length > 0 || chained !== undefined, 'nobody of ours asked');
      says(
        asks.every(({ force }) => !force),
        'it was forced',
      );
      break;
    case 'force_closed':
      says(state === 'closed' && readSince, 'it is not closed');
      says(
        asks.some(({ force }) => force),
        'it was not forced',
      );
      break;
    case 'already_closed':
      says(state === 'closed', 'it is not closed');
      says(asks.length === 0, 'it was asked');
      break;
    case 'closing':
      says(state === 'closing', 'it is not closing');
      if (!report.dryRun && !report.fuse && readSince && lastAsk) {
        // what was learnt long before the end is no truth of the end
        const late = seen.reads.findLast((entry) => entry.kind === 'stats' && entry.ids?.includes(jobId));
        says(
          (late?.endedAt ?? 0) >= seen.endedAt - 20_000,
          `it was looked at ${seen.endedAt - (late?.endedAt ?? 0)} ms before the end`,
        );
      }
      break;
    case 'gone':
      says(state === 'gone', 'it exists');
      break;
    case 'unknown':
      says(asks.length > 0 && !readSince, 'it was read since');
      break;
    case 'error':
      if (lastAsk) says(readSince && (state !== 'closed' || truth?.garbled !== undefined), 'it is closed');
      else says(state !== 'closed' || truth?.garbled !== undefined, 'it is closed');
      says(
        job.error !== undefined && job.error.type !== 'internal_error',
        `the error is ${JSON.stringify(job.error)}`,
      );
      break;
    case 'revived': {
      // by the last look, or, for one found closing that nobody here asked, by the last read of its stats
      const reasons = endsOfLastLook(seen, jobId).map((seq): Decision | undefined => {
        const told = toldOf(seen, jobId, seq);
        return told && decide(wanted, told, pastOf(seen, wanted, jobId, seq));
      });
      says(job.verdict === 'keep', `its verdict is ${job.verdict}`);
      says(
        reasons.some((decision) => decision?.verdict === 'keep' && decision.reason === job.reason),
        `it should be ${reasons.map((decision) => `${decision?.verdict} ${decision?.reason}`).join(' or ')}`,
      );
      break;
    }
    case 'not_attempted':
      says(asks.length === 0, 'it was asked');
      break;
    case 'kept':
      says(asks.length === 0, 'it was asked');
      break;
  }
}

/** The cases of exit 3. */
function leavesUndone({ jobId, outcome, notAttemptedBecause }: ReportedJob, seen: SweepSeen): boolean {
  if (outcome === 'error' || outcome === 'unknown') return true;
  if (outcome === 'closing')
    return !seen.pending.has(jobId) && !seen.arranged.some(({ jobIds }) => jobIds.includes(jobId));
  return outcome === 'not_attempted' && ['time', 'limit', 'signal'].includes(notAttemptedBecause ?? '');
}

/** Nothing goes wrong, nobody interferes, and there is time for the close of every job that is acted on. */
function calm({ case: given }: Observation, wanted: Wanted, acting: ReadonlySet<string>): boolean {
  const { troubles, deeds, stop, remainingMs, jobs, repetition } = given;
  const quick = ({ closeTakes, datafeed }: CaseJob) =>
    typeof closeTakes === 'string' &&
    /^\d{1,2}s$/.test(closeTakes) &&
    (datafeed?.state === undefined || datafeed.state === 'started') &&
    datafeed?.stopTakes === undefined;
  return (
    troubles.length + deeds.length === 0 &&
    stop === null &&
    repetition === 'once' &&
    remainingMs >= 900_000 &&
    wanted.closeTimeout >= 60_000 &&
    acting.size <= 10 &&
    jobs.every((job, index) => !acting.has(idAt(index)) || quick(job))
  );
}

/**
 * Just after the last look at a job, told by the read of its config, which is only made for looks; its stats were read
 * with it, or just before. One found closing that nobody here asked may be judged by its stats alone, at the very end.
 */
function endsOfLastLook(seen: SweepSeen, jobId: string): number[] {
  const configs = lastRead(seen, 'configs', jobId);
  if (!configs) return [Number.POSITIVE_INFINITY];
  const feedId = toldBy(configs, jobId)?.truth.get(jobId)?.feed?.datafeedId;
  const next = (kind: ReadKind, id: string | undefined) =>
    id === undefined
      ? undefined
      : seen.reads.find(
          (read) =>
            read.kind === kind &&
            read.ok &&
            read.begunSeq > configs.begunSeq &&
            (read.ids?.includes(id) ?? true),
        );
  const withFeeds = Math.max(configs.endedSeq, next('datafeeds', feedId)?.endedSeq ?? 0) + 1;
  const withStats = Math.max(withFeeds, (next('stats', jobId)?.endedSeq ?? 0) + 1);
  return [withStats, withFeeds, Number.POSITIVE_INFINITY];
}

/** Whether a read began when a close was over: answered, or given up, which may both happen in one moment. */
const isAfter = (read: Read, close: Close) => read.begunSeq > close.begunSeq && read.begunAt >= close.endedAt;

function closeRequests(run: Observation, seen: SweepSeen) {
  return run.requests.filter(
    ({ path, headers, at }) =>
      path.endsWith('/_close') &&
      headers.authorization === seen.authorization &&
      at >= seen.startedAt &&
      at <= seen.endedAt,
  );
}
