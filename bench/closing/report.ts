/** @module The results of the bench of closing as a page, as the table of docs/figures.md, and as a chart. */
import { bytes, ratio, type Spread, seconds, table, whole } from '../numbers.ts';
import { type Bar, chart } from './chart.ts';
import {
  allowedRequests,
  type ClosingResults,
  jobsElsewhere,
  type SizeResult,
  sizesOfPatience,
  type WayResult,
} from './results.ts';

/** `bench/results/closing.md` */
export function closingPage(results: ClosingResults): string {
  const sections = results.sizes.map((size) => sizeSection(size, results.repeats));
  return `${[introduction(results), ...sections, traffic(results), nodes(results)].join('\n\n')}\n`;
}

/** `bench/results/closing.svg` */
export function closingChart({ sizes, repeats }: ClosingResults): string {
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

/** The table of docs/figures.md, and what it was measured with. */
export function closingTable({ sizes, repeats, nodes, requests }: ClosingResults): string {
  const head = ['', ...sizes.map(({ jobs }, index) => `${whole(jobs)}${index === 0 ? ' idle jobs' : ''}`)];
  const names = sizes[0]?.ways.map(({ name }) => name) ?? [];
  const rows = names.map((name) => {
    const own = sizes.flatMap((size) =>
      size.ways.flatMap((way) => (way.name === name ? [{ way, jobs: size.jobs }] : [])),
    );
    const shown = own.some(({ way }) => way.ours) ? `**${name}**` : name;
    return [shown, ...own.map((each) => shortTime(each, repeats)), wrongShare(own)];
  });
  const shown = (request: object) => `\`${JSON.stringify(request).replaceAll(/[:,]/g, '$& ')}\``;
  return `${table([...head, 'busy jobs closed'], rows)}

Medians of ${repeats} seeded clusters of ${nodes.count} nodes. "Places per node" is ${shown(requests.swift)}, "32 requests at once" ${shown(requests.eager)}; the default request has 2 requests of 20 jobs in flight.`;
}

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
  'close requests',
  'requests',
  'bytes received',
];

function sizeSection({ jobs, boundMs, biggestFirst, ways }: SizeResult, repeats: number): string {
  const rows = ways.map((way) => [
    way.ours ? `**${way.name}**` : way.name,
    timeOf(way),
    way.survived === repeats ? 'yes' : way.survived === 0 ? 'no' : `${way.survived} of ${repeats}`,
    `${whole(way.closedInTime)} of ${whole(jobs)}`,
    whole(way.wronglyClosed),
    whole(way.forced),
    whole(way.unknown),
    whole(way.closeRequests),
    whole(way.requests),
    bytes(way.bytes),
  ]);
  const places = ways.findLast(({ ours }) => ours);
  const beside = places ? ` Places per node take ${range(places.overBiggestFirst)} of that.` : '';
  return `## ${whole(jobs)} idle jobs

Lower bound: ${seconds(boundMs)}. Biggest first, perfectly carried out: ${range(biggestFirst)}.${beside}

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
    row.closeRequests === null ? '' : whole(allowedRequests(row.closeRequests)),
    bytes(row.statsBytes),
    bytes(row.unfilteredStatsBytes),
    `${Math.round((100 * row.statsBytes) / row.unfilteredStatsBytes)} %`,
  ]);
  return `## What a calm sweep asks of the cluster

Calm: no close outlasts its request, so nothing is watched. The aim is at most 5 requests and 5 for each close request. With credentials one more is sent at the beginning, which asks whether they may close at all. Of the stats of all jobs only what is judged by or shown is asked for.

${table(['cluster and request', 'open jobs', 'close requests', 'requests', '5 + 5 each', 'job stats', 'unfiltered', 'share'], lines)}`;
}

function nodes({ knowing, patience, elsewhere }: ClosingResults): string {
  return [
    '## Other settings, other nodes',
    `${jobsElsewhere} idle jobs on the bench's nodes, with another \`close.perNode\` than the nodes' 8 and one:`,
    table(
      ['`close.perNode`', 'time / bound', 'requests'],
      knowing.map(({ perNode, time, requests }) => [
        perNode === null ? 'left out' : String(perNode),
        ratio(time),
        whole(requests),
      ]),
    ),
    'Places per node with another `close.timeout`, time / bound. What outlasts its request gives its place away, and so shares its node with one more. A job that never closes is [billed for](billed.md) about twice that time:',
    table(
      ['`close.timeout`', ...sizesOfPatience.map((jobs) => `${whole(jobs)} idle jobs`)],
      patience.map(({ timeout, times }) => [timeout, ...times.map(ratio)]),
    ),
    `${jobsElsewhere} idle jobs on other nodes, with their capacity and one as \`close.perNode\`, and without it:`,
    table(
      ['nodes × capacity', 'biggest first', 'places per node', '`perNode` left out'],
      elsewhere.map((row) => [
        `${row.nodes.count} × ${row.nodes.capacity}`,
        ratio(row.biggestFirst),
        ratio(row.places),
        ratio(row.none),
      ]),
    ),
    'Where the slowest close and the work of a node last about as long as each other (2 × 8 and 3 × 8 here), the noise weighs most: the slowest job has to run at full speed from the beginning, and nothing tells which it is. Without `perNode` all that the requests hold closes at once, and the biggest job of a node gets a small share of it.',
  ].join('\n\n');
}

function introduction({ node, repeats, nodes, networkMs, requests }: ClosingResults): string {
  const { count, capacity } = nodes;
  return `<!-- Made from closing.json by \`npm run docs\`. -->

# Closing idle jobs: how long, and at what cost

Measured by \`npm run bench\` (Node ${node}), on the embedded cluster over real HTTP, in simulated time; ${repeats} seeded clusters for each number of jobs, medians.

**The model.** As many busy jobs as idle ones on ${count} ML nodes. The work of a close is log-normal, median 2 s and 99th percentile 60 s, its logarithm correlated 0.6 with that of the memory of the job's model (log-normal, median 16 MB); the rest is noise that no stats tell. A node runs ${capacity} closes at full speed side by side (half of its 16 processors: a close keeps about two busy); more of them share that equally. A request takes ${networkMs} ms on its way. One busy job in twenty reads last year's records, one in twenty is sent late ones. No table of real close times is public: the model is ours, and the same for everyone.

**The bound.** No way of closing ends before the slowest close is done, nor before the busiest node has done its work at full capacity: the larger of the two is the lower bound. "Time" is from the start until the last answer, for a sweep until it has read that the last job is closed; where something was left closing, until it is closed. Reading which jobs are idle is part of it. Beside it stands "biggest first, perfectly carried out": a planner that costs nothing, knows each node's capacity and fills a place the moment it gets free, and of the close times knows only what the models' memory tells. What that takes over the bound is the noise.

**The scripts** use the official client as it comes, and read the stats of all jobs. For their time, requests and bytes they are told which jobs are idle, so that they close the same jobs as the sweep. "Wrongly closed" is what they close when they choose for themselves, as scripts do: by the time of the newest record, 48 hours ago, which is event time. One that looks at \`last_data_time\` spares those; it still closes what was opened an hour ago, is protected, or runs a forecast, of which the bench has none. Scripts die with their function after 15 minutes; "left unknown" are jobs they had asked for without an answer by then. \`_all\` with force does not close: it kills every process, busy ones too, and what its model has learnt since the last snapshot is lost.

**The sweep** finds out for itself, looks at each job again right before it asks, and asks the cluster afterwards. The fuses \`maxJobs\` and \`maxShare\`, which would refuse to close half of a cluster, are off. It ends itself before its deadline, and leaves what is closing to a follow-up and the rest to the next sweep: its time is measured with a deadline that does not cut it, what it has closed after 15 minutes with the function's. The default request has two requests of at most 20 jobs in flight: that is polite, and what it costs is beside it. "32 requests at once" is \`${JSON.stringify(requests.eager)}\`, "places per node" \`${JSON.stringify(requests.swift)}\`.`;
}
