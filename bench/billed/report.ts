/** @module The billed-time results as a page and as a table in docs/figures.md. */
import { seconds, table, whole } from '../numbers.ts';
import type { BilledResults, BilledScript, BilledSweep } from './results.ts';

/** The text of `bench/results/billed.md`. */
export function billedPage({ node, repeats, sweeps, scripts }: BilledResults): string {
  return `<!-- Made from billed.json by \`npm run docs\`. -->

# The billed time of a job that never finishes closing

Measured by \`npm run bench billed\` (Node ${node}), on the embedded cluster over real HTTP, in simulated time, with the model of [closing](closing.md). Figures are medians over ${repeats} seeded clusters for each row. In each cluster, one idle job is stuck: in one run the biggest, which is closed first, and in another the smallest. Requests take no network time, so that the bound is exact.

**The bound** of an invocation depends on its jobs. For a job that is left closing, it is \`close.timeout\` plus 10 s for the answer to the close request, and then \`close.timeout\` of polling; in a follow-up it is only the polling. For a job that closes in that time, it ends at the next poll, at most 5 s later. The function's limit of 15 minutes applies as well; a sweep reserves 20 s of it for its ending. "Over" is the largest excess of any invocation in the row over its bound.

**Follow-ups** do the waiting. Each one starts after \`followUp.after\` (15 min), polls for at most \`close.timeout\`, and passes the jobs that are still closing to the next one. A job is forced \`force.stuckFor\` (75 min) after its close request. The time between follow-ups is not billed.

${table(
  [
    'sweep',
    'idle jobs',
    '`close.timeout`',
    'billed without the stuck job',
    'billed',
    'bound',
    'over',
    'jobs closed by then',
    'follow-ups',
    'billed for follow-ups',
    'forced after',
  ],
  sweeps.map((row) => [
    row.request,
    whole(row.jobs),
    row.timeout,
    seconds(row.calmMs),
    `**${seconds(row.billedMs)}**`,
    seconds(row.boundMs),
    seconds(Math.max(0, row.maxOverMs)),
    `${whole(row.closed)} of ${whole(row.jobs)}`,
    whole(row.followUps),
    seconds(row.followUpsMs),
    minutes(row.forcedAfterMs),
  ]),
)}

**Scripts** wait for the answer to the close request. The server's default timeout is 30 minutes, and it begins only after every process has ended, so a hanging process never gets an answer. The function is killed after 15 minutes and billed for all of them. The stuck job stays stuck.

${table(
  ['script', 'idle jobs', 'billed', 'closed when it is killed', 'left unknown'],
  scripts.map((row) => [
    row.name,
    whole(row.jobs),
    `**${seconds(row.billedMs)}**`,
    `${whole(row.closed)} of ${whole(row.jobs)}`,
    whole(row.unknown),
  ]),
)}
`;
}

/**
 * The table in docs/figures.md. It shows only the largest clusters, for the default request and for a request that
 * gives each close more time.
 */
export function billedTable({ sweeps, scripts }: BilledResults): string {
  const maxJobs = Math.max(...sweeps.map(({ jobs }) => jobs));
  const script = ({ name, billedMs, closed, unknown }: BilledScript) => [
    name,
    `${seconds(billedMs)}, killed`,
    'none',
    whole(closed),
    unknown > 0 ? 'unknown' : 'known',
  ];
  const sweep = (row: BilledSweep) => [
    `**jobsweep, ${row.request}**, \`close.timeout\` ${row.timeout}`,
    seconds(row.billedMs),
    seconds(row.boundMs),
    whole(row.closed),
    `forced after ${minutes(row.forcedAfterMs)}; ${row.followUps} follow-ups, ${seconds(row.followUpsMs)} in total`,
  ];
  const shown = ({ request, timeout }: BilledSweep) => (request === 'default request') === (timeout === '2m');

  return table(
    [
      `one of ${whole(maxJobs)} idle jobs never closes`,
      'billed',
      'bound',
      'other jobs closed by then',
      'the stuck job',
    ],
    [
      ...scripts.filter(({ jobs }) => jobs === maxJobs).map(script),
      ...sweeps.filter((row) => row.jobs === maxJobs && shown(row)).map(sweep),
    ],
  );
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;
