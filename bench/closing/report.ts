/** @module The results of the bench of closing as a page, as the table of docs/figures.md, and as a chart. */
import { bytes, ratio, type Spread, seconds, table, whole } from '../numbers.ts';
import { type Bar, chart } from './chart.ts';
import { capacityOf, finishMs, type Nodes, nodesOfTheBench } from './model.ts';
import type { ClosingResults, SizeResult, WayResult } from './results.ts';

/** `bench/results/closing.md` */
export function closingPage(results: ClosingResults): string {
  const sections = results.sizes.map((size) => sizeSection(size, results.repeats));
  return `${[introduction(results), summary(results), ...sections, traffic(results)].join('\n\n')}\n`;
}

/** `bench/results/closing.svg` */
export function closingChart(results: ClosingResults): string {
  const { repeats } = results;
  const sizes = onNodesOfTheBench(results);
  return chart(
    'Time until the last idle job is known to be closed, over the lower bound',
    'Dashed: the lower bound, which no way of closing can beat; the scale is logarithmic. “Dies”: not done within the function’s 15 minutes.',
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

/** The table of docs/figures.md, and what it was measured with. */
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

Medians of ${repeats} seeded clusters of ${nodesOfTheBench.count} nodes of ${nodesOfTheBench.processors} processors, over the lower bound. The default request, \`{}\`, on other nodes:

${summaryTable(results)}`;
}

/** The default request on every kind of nodes, beside what people do and what the default was. */
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
      'the default of before',
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
          short(ways.find(({ name }) => name === 'the default of before')),
          short(ways.find(({ name }) => name === 'all at once')),
        ],
      ];
    }),
  );
}

const summary = (results: ClosingResults): string => `## The default request on every kind of nodes

Closes at once are the most on one node at one moment, of the worst cluster, over half of the node's processors. A place is given back when \`close.timeout\` (2 minutes) is over, so a close that takes longer than that has one more beside it. "Requests a second" counts every request from start to end; a look reads configs and datafeeds right before a close. "Bound with these places" and "biggest first" divide the same time by those two (see above). Beside it: time and closes at once of the default of before, and of scripts that ask for everything at once.

${summaryTable(results)}`;

function shortTime({ way, jobs }: Own, repeats: number): string {
  if (way.refusal !== undefined) return 'refused';
  if (way.forced > 0) return 'kills them';
  return [ratio(way.time.median), ending(way, jobs, repeats)].filter(Boolean).join(', ');
}

/** What is to be said where the function's 15 minutes are not enough. */
function ending({ ours, survived, closedInTime }: WayResult, jobs: number, repeats: number): string {
  if (ours) return closedInTime < jobs ? `${whole(closedInTime)} in 15 min` : '';
  if (survived === repeats) return '';
  return survived === 0 ? 'dies' : `dies ${repeats - survived} of ${repeats}`;
}

/** Of the busy jobs, over all sizes at which it was not refused: there are as many as idle ones. */
function wrongShare(own: readonly Own[]): string {
  const done = own.filter(({ way }) => way.refusal === undefined);
  const sum = (pick: (of: Own) => number) => done.reduce((all, of) => all + pick(of), 0);
  const share = sum(({ way }) => way.wronglyClosed) / sum(({ jobs }) => jobs);
  return share === 0 ? 'none' : `${Math.round(100 * share)} %`;
}

const shortRange = ({ median, least, most }: Spread): string =>
  `${ratio(median)} (${ratio(least)} to ${ratio(most)})`;

const range = ({ median, least, most }: Spread): string =>
  `**${ratio(median)}** (${ratio(least)} to ${ratio(most)})`;

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
  const beside = own ? ` The default request takes ${range(own.overBiggestFirst)} of that.` : '';
  return `## ${whole(jobs)} idle jobs on ${nodesText(nodes)} processors

A node runs ${capacityOf(nodes)} closes at full speed. Lower bound: ${seconds(boundMs)}. Biggest first, perfectly carried out: ${range(biggestFirst)}.${beside}

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
  return `## What a calm sweep asks of the cluster

Calm: no close outlasts its request. A close request takes a look of two or three reads right before it, and states are read while it is in flight. With credentials one more is sent at the beginning, which asks whether they may close at all. Of the stats of all jobs only what is judged by or shown is asked for.

${table(['cluster and request', 'open jobs', 'close requests', 'requests', 'job stats', 'unfiltered', 'share'], lines)}`;
}

function introduction({ node, repeats, networkMs }: ClosingResults): string {
  return `<!-- Made from closing.json by \`npm run docs\`. -->

# Closing idle jobs: how long, and at what cost

Measured by \`npm run bench\` (Node ${node}), on the embedded cluster over real HTTP, in simulated time; ${repeats} seeded clusters for each number of jobs, medians.

**The model.** As many busy jobs as idle ones on machine learning nodes of different sizes. The work of a close is log-normal, median 2 s and 99th percentile 60 s, its logarithm correlated 0.6 with that of the memory of the job's model (log-normal, median 16 MB); the rest is noise that no stats tell. A node runs as many closes at full speed side by side as half of its processors, because a close keeps about two busy; more of them share that equally. A request takes ${networkMs} ms on its way. One busy job in twenty reads last year's records, one in twenty is sent late ones. No table of real close times is public: the model is ours, and the same for everyone.

**The bound.** No way of closing ends before the slowest close is done, nor before the busiest node has done its work at full capacity: the larger of the two, and the ${finishMs} ms in which the last job is still \`closing\` after its work, is the lower bound. The bound with these places holds for every planner, even one that knows all close times, that has at most half of a node's processors as places and returns a place when its job is closed or its timeout is over: with m places, one of them gets k + 1 of the km + 1 longest closes, so the node takes at least the k + 1 shortest of those, and at least the sum over m. "Time" is from the start until the last answer, for a sweep until it has read that the last job is closed; where something was left closing, until it is closed. Reading which jobs are idle is part of it. Beside it stands "biggest first, perfectly carried out": a planner that costs nothing, knows each node's capacity and fills a place the moment it gets free, and of the close times knows only what the models' memory tells. What that takes over the bound is the noise, which no order by memory can avoid.

**The scripts** use the official client as it comes, and read the stats of all jobs. For their time, requests and bytes they are told which jobs are idle, so that they close the same jobs as the sweep. "Wrongly closed" is what they close when they choose for themselves, as scripts do: by the time of the newest record, 48 hours ago, which is event time. One that looks at \`last_data_time\` spares those; it still closes what was opened an hour ago, is protected, or runs a forecast, of which the bench has none. Scripts die with their function after 15 minutes; "left unknown" are jobs they had asked for without an answer by then. \`_all\` with force does not close: it kills every process, busy ones too, and what its model has learnt since the last snapshot is lost.

**The sweep** finds out for itself, looks at each job again right before it asks, and asks the cluster afterwards. The fuses \`maxJobs\` and \`maxShare\`, which would refuse to close half of a cluster, are off. It ends itself before its deadline, and leaves what is closing to a follow-up and the rest to the next sweep: its time is measured with a deadline that does not cut it, what it has closed after 15 minutes with the function's. The default of before had two requests of 20 jobs in flight, whatever their nodes: a script does here what it did.`;
}
