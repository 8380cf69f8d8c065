/** @module The results of the closing bench: as a page, as the table in docs/figures.md, and as a chart. */
import { bytes, ratio, type Spread, seconds, table, whole } from '../numbers.ts';
import { type Bar, chart } from './chart.ts';
import { capacityOf, finishMs, type Nodes, nodesOfTheBench } from './model.ts';
import type { ClosingResults, SizeResult, WayResult } from './results.ts';

/** The text of `bench/results/closing.md`. */
export function closingPage(results: ClosingResults): string {
  const sections = results.sizes.map((size) => sizeSection(size, results.repeats));
  return `${[introduction(results), summary(results), ...sections, traffic(results)].join('\n\n')}\n`;
}

/** The text of `bench/results/closing.svg`. */
export function closingChart(results: ClosingResults): string {
  const { repeats } = results;
  const sizes = onNodesOfTheBench(results);
  return chart(
    'Time until the last idle job is known to be closed, as a multiple of the lower bound',
    'Dashed: the lower bound, which no way of closing can beat. The scale is logarithmic. “Dies”: not done within the function’s 15 minutes.',
    sizes.map(({ jobs, boundMs, ways }) => ({
      title: `${whole(jobs)} idle jobs (bound ${seconds(boundMs)})`,
      bars: ways.map((way) => bar(way, jobs, repeats)),
    })),
  );
}

interface Own {
  readonly way: WayResult;
  readonly jobs: number;
}

const onNodesOfTheBench = ({ sizes }: ClosingResults): SizeResult[] =>
  sizes.filter(({ nodes }) => nodesText(nodes) === nodesText(nodesOfTheBench));

const nodesText = ({ count, processors }: Nodes): string => `${count} × ${processors}`;

/** The table in docs/figures.md, with the conditions of the measurement. */
export function closingTable(results: ClosingResults): string {
  const { repeats } = results;
  const sizes = onNodesOfTheBench(results);
  const head = ['', ...sizes.map(({ jobs }, index) => `${whole(jobs)}${index === 0 ? ' idle jobs' : ''}`)];
  const names = sizes[0]?.ways.map(({ name }) => name) ?? [];
  const rows = names.map((name) => {
    const own = sizes.flatMap((size) =>
      size.ways.flatMap((way) => (way.name === name ? [{ way, jobs: size.jobs }] : [])),
    );
    const shown = own.some(({ way }) => way.ours) ? `**${name}**` : name;
    return [shown, ...own.map((each) => shortTime(each, repeats)), wrongShare(own)];
  });
  return `${table([...head, 'busy jobs closed'], rows)}

Medians over ${repeats} seeded clusters, as multiples of the lower bound. Each cluster has ${nodesOfTheBench.count} nodes with ${nodesOfTheBench.processors} processors. The default request, \`{}\`, on all kinds of nodes:

${summaryTable(results)}`;
}

/** The table that compares the default request with the previous default and with a script, on every kind of nodes. */
function summaryTable({ sizes }: ClosingResults): string {
  const short = (way: WayResult | undefined) =>
    way === undefined || way.refusal !== undefined
      ? 'refused'
      : `${ratio(way.time.median)}, ${whole(Math.round(way.peak * 100))} %`;
  return table(
    [
      'nodes × processors',
      'idle jobs',
      'time / bound, median (range)',
      'bound with these places',
      'biggest first',
      'closes at once / half the processors',
      'within `close.timeout`',
      'requests a second',
      'without looks',
      'the previous default',
      'all at once',
    ],
    sizes.flatMap(({ nodes, jobs, ways }) => {
      const own = ways.find(({ ours }) => ours);
      if (!own) return [];
      return [
        [
          nodesText(nodes),
          whole(jobs),
          range(own.time),
          shortRange(own.overPlacesBound),
          shortRange(own.overBiggestFirst),
          `${Math.round(own.peak * 100)} %`,
          `${Math.round(own.peakWithinTimeout * 100)} %`,
          own.requestsPerSecond.toFixed(1),
          own.requestsPerSecondWithoutLooks.toFixed(1),
          short(ways.find(({ name }) => name === 'the previous default')),
          short(ways.find(({ name }) => name === 'all at once')),
        ],
      ];
    }),
  );
}

const summary = (results: ClosingResults): string => `## The default request on every kind of nodes

"Closes at once" is the maximum number of closes on one node at the same time, on the worst cluster, divided by half of the node's processors. A close gives its place back after \`close.timeout\` (2 minutes), so another close can start beside a slower one. "Requests a second" counts every request from start to end; "without looks" leaves out the reads of configs and datafeeds right before each close. "Bound with these places" and "biggest first" divide the same time by those two values (see above). The last two columns show time and closes at once for the previous default and for scripts that close everything at once.

${summaryTable(results)}`;

function shortTime({ way, jobs }: Own, repeats: number): string {
  if (way.refusal !== undefined) return 'refused';
  if (way.forced > 0) return 'kills them';
  return [ratio(way.time.median), ending(way, jobs, repeats)].filter(Boolean).join(', ');
}

/** A note if a way of closing needs more than the function's 15 minutes; otherwise empty. */
function ending({ ours, survived, closedInTime }: WayResult, jobs: number, repeats: number): string {
  if (ours) return closedInTime < jobs ? `${whole(closedInTime)} in 15 min` : '';
  if (survived === repeats) return '';
  return survived === 0 ? 'dies' : `dies ${repeats - survived} of ${repeats}`;
}

/**
 * The share of the busy jobs that were closed. Leaves out cluster sizes at which the cluster refused the requests. Each
 * cluster has as many busy jobs as idle jobs.
 */
function wrongShare(own: readonly Own[]): string {
  const done = own.filter(({ way }) => way.refusal === undefined);
  const sum = (pick: (of: Own) => number) => done.reduce((all, of) => all + pick(of), 0);
  const share = sum(({ way }) => way.wronglyClosed) / sum(({ jobs }) => jobs);
  return share === 0 ? 'none' : `${Math.round(100 * share)} %`;
}

const shortRange = ({ median, min, max }: Spread): string =>
  `${ratio(median)} (${ratio(min)} to ${ratio(max)})`;

const range = ({ median, min, max }: Spread): string =>
  `**${ratio(median)}** (${ratio(min)} to ${ratio(max)})`;

function timeOf(way: WayResult): string {
  if (way.refusal !== undefined) return 'refused';
  return way.forced > 0 ? `${ratio(way.time.median)}, by killing` : range(way.time);
}

const head = [
  'way of closing',
  'time / bound, median (range)',
  'ends within 15 min',
  'closed by then',
  'wrongly closed',
  'forced',
  'left unknown',
  'closes at once / half the processors',
  'close requests',
  'requests',
  'bytes received',
];

function sizeSection({ jobs, nodes, boundMs, biggestFirst, ways }: SizeResult, repeats: number): string {
  const rows = ways.map((way) => [
    way.ours ? `**${way.name}**` : way.name,
    timeOf(way),
    way.survived === repeats ? 'yes' : way.survived === 0 ? 'no' : `${way.survived} of ${repeats}`,
    `${whole(way.closedInTime)} of ${whole(jobs)}`,
    whole(way.wronglyClosed),
    whole(way.forced),
    whole(way.unknown),
    `${Math.round(way.peak * 100)} %`,
    whole(way.closeRequests),
    whole(way.requests),
    bytes(way.bytes),
  ]);
  const own = ways.find(({ ours }) => ours);
  const beside = own ? ` The default request takes ${range(own.overBiggestFirst)} of that time.` : '';
  return `## ${whole(jobs)} idle jobs on ${nodesText(nodes)} processors

A node runs ${capacityOf(nodes)} closes at full speed. Lower bound: ${seconds(boundMs)}. Ideal biggest first: ${range(biggestFirst)}.${beside}

${table(head, rows)}`;
}

function bar(way: WayResult, jobs: number, repeats: number): Bar {
  const { ours, time } = way;
  const label = way.name.replaceAll('`', '');
  if (way.refusal !== undefined) return { label, ours, value: undefined, note: 'refused: line too long' };
  if (way.forced > 0) return { label, ours, value: undefined, note: `kills ${whole(way.forced)} jobs` };
  return { label, ours, value: time.median, note: ending(way, jobs, repeats) };
}

function traffic({ traffic: rows }: ClosingResults): string {
  const lines = rows.map((row) => [
    row.fleet,
    whole(row.openJobs),
    row.closeRequests === null ? '' : whole(row.closeRequests),
    whole(row.requests),
    bytes(row.statsBytes),
    bytes(row.unfilteredStatsBytes),
    `${Math.round((100 * row.statsBytes) / row.unfilteredStatsBytes)} %`,
  ]);
  return `## Requests of a calm sweep

In a calm sweep, every close request is answered in time. Each close request needs a look of two or three reads right before it, and job states are read while it is in flight. With credentials, the sweep sends one more request at the beginning, to check their privileges. It requests only those fields of the job stats that it uses or shows.

${table(['cluster and request', 'open jobs', 'close requests', 'requests', 'job stats', 'unfiltered', 'share'], lines)}`;
}

function introduction({ node, repeats, networkMs }: ClosingResults): string {
  return `<!-- Made from closing.json by \`npm run docs\`. -->

# Closing idle jobs: how long, and at what cost

Measured by \`npm run bench\` (Node ${node}), on the embedded cluster over real HTTP, in simulated time. Figures are medians over ${repeats} seeded clusters for each number of jobs.

**The model.** There are as many busy jobs as idle ones, on machine learning nodes of different sizes. The work of a close is log-normal, with a median of 2 s and a 99th percentile of 60 s. Its logarithm has a correlation of 0.6 with the logarithm of the model's memory (log-normal, median 16 MB); the rest is noise that no stats predict. A close keeps about two processors busy, so the number of closes at full speed on a node is half of its processors; further closes share that capacity equally. A request takes ${networkMs} ms of network time. One busy job in twenty reads last year's records, and one in twenty gets late records. No real close times have been published, so this model is our own. It is the same for every way of closing.

**The bound.** No way of closing can end before the slowest close is done, or before the busiest node has done its work at full capacity. The lower bound is the larger of these two times, plus the ${finishMs} ms in which the last job is still \`closing\` after its work. The bound with these places applies to every planner that uses at most half of a node's processors as places, and frees a place when its job is closed or its timeout is over, even if the planner knows all close times. With m places, one of them gets k + 1 of the km + 1 longest closes. So the node takes at least as long as the k + 1 shortest of these, and at least the sum of all divided by m. "Time" runs from the start until the last answer; for a sweep, until it has read that the last job is closed. If a job was left closing, time runs until it is closed. Finding the idle jobs is included. "Ideal biggest first" is a planner that costs nothing, knows each node's capacity, fills a place the moment it gets free, and knows of the close times only what the models' memory predicts. Its excess over the bound is noise, which no order by memory can avoid.

**The scripts** use the unmodified official client and read the stats of all jobs. Their time, requests and bytes are measured with a given list of the idle jobs, so that they close the same jobs as the sweep. "Wrongly closed" counts the busy jobs that they close by their own rule, like common scripts: the newest record is more than 48 hours old, by event time. A script that uses \`last_data_time\` spares these jobs. It still closes jobs that were opened an hour ago, are protected or run a forecast; the bench has no such jobs. Scripts are killed with their function after 15 minutes. "Left unknown" counts the jobs with a close request that was unanswered then. \`_all\` with force does not close gracefully: it kills every process, including busy ones, and each model loses what it has learnt since its last snapshot.

**The sweep** finds the idle jobs itself, reads each job again right before its close request, and verifies the outcome afterwards. The fuses \`maxJobs\` and \`maxShare\` are off, because they would refuse to close half of a cluster. A sweep ends before its deadline, and leaves closing jobs to a follow-up and the others to the next sweep. So its time is measured with a very long deadline, and its closed jobs after 15 minutes with the function's deadline. The previous default had two requests of 20 jobs in flight, regardless of their nodes; a script repeats here what it did.`;
}
