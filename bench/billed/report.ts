/** @module The billed-time results as a page and as a table of docs/figures.md. */
import { seconds, table, whole } from '../numbers.ts';
import type { BilledResults, BilledScript, BilledSweep } from './results.ts';

/** `bench/results/billed.md` */
export function billedPage({ node, repeats, sweeps, scripts }: BilledResults): string {
  return `<!-- Made from billed.json by \`npm run docs\`. -->

# What a job that never finishes closing is billed for

Measured by \`npm run bench billed\` (Node ${node}), on the embedded cluster over real HTTP, in simulated time, by the model of [closing](closing.md); ${repeats} seeded clusters for each row, in each of which once the biggest idle job is stuck, which is asked first, and once the smallest. Medians. A request takes no time on its way, so that the bound is exact.

**The bound** of one invocation: for a job that is left closing, from its request on \`close.timeout\` and 10 s for the answer, then \`close.timeout\` of watching; in a follow-up only the watching. For a job that closes in that time, until the next look at it, at most 5 s later. All of it within the function's 15 minutes, of which a sweep leaves 20 s to its ending. "Over" is the most by which any invocation of the row was over its bound.

**The follow-ups** do the waiting: after each \`followUp.after\` (15 min) one looks, watches for \`close.timeout\` at most, and hands on what is still closing, until the job is forced, \`force.stuckFor\` (75 min) after it was asked. Between them nothing is billed.

${table(
  [
    'sweep',
    'idle jobs',
    '`close.timeout`',
    'billed without the stuck job',
    'billed',
    'bound',
    'over',
    'closed by then',
    'follow-ups',
    'billed for them',
    'forced after',
  ],
  sweeps.map((row) => [
    row.request,
    whole(row.jobs),
    row.timeout,
    seconds(row.calmMs),
    `**${seconds(row.billedMs)}**`,
    seconds(row.boundMs),
    seconds(Math.max(0, row.mostOverMs)),
    `${whole(row.closed)} of ${whole(row.jobs)}`,
    whole(row.followUps),
    seconds(row.followUpsMs),
    minutes(row.forcedAfterMs),
  ]),
)}

**Scripts** wait for the answer of the close. The server gives it 30 minutes by default, and those begin only when every process has ended: of a process that hangs there is no answer at all. The function is killed after 15 minutes and billed for all of them; the stuck job stays as it is.

${table(
  ['script', 'idle jobs', 'billed', 'closed when it dies', 'left unknown'],
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

/** The table of docs/figures.md: the largest clusters, with the default request and with places per node. */
export function billedTable({ sweeps, scripts }: BilledResults): string {
  const most = Math.max(...sweeps.map(({ jobs }) => jobs));
  const script = ({ name, billedMs, closed, unknown }: BilledScript) => [
    name,
    `${seconds(billedMs)}, killed`,
    'none',
    whole(closed),
    unknown > 0 ? 'not known' : 'known',
  ];
  const sweep = (row: BilledSweep) => [
    `**jobsweep, ${row.request}**, each close given ${row.timeout}`,
    seconds(row.billedMs),
    seconds(row.boundMs),
    whole(row.closed),
    `forced after ${minutes(row.forcedAfterMs)}; ${row.followUps} follow-ups, ${seconds(row.followUpsMs)} in all`,
  ];
  const shown = ({ request, timeout }: BilledSweep) => (request === 'default request') === (timeout === '2m');

  return table(
    [`one of ${whole(most)} idle jobs never closes`, 'billed', 'bound', 'others closed by then', 'that job'],
    [
      ...scripts.filter(({ jobs }) => jobs === most).map(script),
      ...sweeps.filter((row) => row.jobs === most && shown(row)).map(sweep),
    ],
  );
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;
