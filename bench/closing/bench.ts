/** @module The bench of closing: every way on the same clusters, repeated, medians; a report and a chart. */
import { bytes, median, ratio, seconds, table, whole } from '../numbers.ts';
import { type Bar, chart, type Panel } from './chart.ts';
import { floorByMemory } from './floor.ts';
import { functionLimitMs, type Measures, measure, type Way } from './measure.ts';
import { type BenchCase, benchCase, lowerBound, type Nodes, networkMs, nodesOfTheBench } from './model.ts';
import { allAtOnce, allWithForce, fixedBatches, jobsweep, loop, oneList, polite, swift } from './ways.ts';

/** So long that no deadline cuts a measured time short; the function's own deadline is looked at besides. */
const endless = 24 * 3_600_000;

interface Contender {
  readonly name: string;
  readonly way: Way;
  /** As the function would run it, where that differs: a sweep ends itself before its deadline. */
  readonly inFunction?: Way;
  readonly ours: boolean;
}

const contenders: readonly Contender[] = [
  { name: 'one close per job, in a loop', way: loop, ours: false },
  { name: 'batches of 20 in list order', way: fixedBatches, ours: false },
  { name: 'all at once', way: allAtOnce, ours: false },
  { name: 'one list with commas', way: oneList, ours: false },
  { name: '`_all` with force', way: allWithForce, ours: false },
  sweepOf('jobsweep, default politeness', polite),
  sweepOf('jobsweep, places per node', swift()),
];

function sweepOf(name: string, payload: Parameters<typeof jobsweep>[0]): Contender {
  return {
    name,
    way: jobsweep(payload, endless),
    inFunction: jobsweep(payload, functionLimitMs),
    ours: true,
  };
}

interface Result {
  readonly contender: Contender;
  readonly runs: readonly {
    readonly free: Measures;
    readonly inFunction: Measures;
    readonly bound: number;
  }[];
}

/** One number of jobs: each contender on each case. `tell` gets a line as each is done. */
async function compare(cases: readonly BenchCase[], tell: (line: string) => void): Promise<Result[]> {
  const results: Result[] = [];
  for (const contender of contenders) {
    const runs: Result['runs'][number][] = [];
    for (const each of cases) {
      const free = await measure(contender.way, each);
      const fits = free.durationMs < functionLimitMs * 0.9;
      const inFunction = contender.inFunction && !fits ? await measure(contender.inFunction, each) : free;
      runs.push({ free, inFunction, bound: lowerBound(each.idle) });
    }
    results.push({ contender, runs });
    tell(`${contender.name}: ${timeOf({ contender, runs })}`);
  }
  return results;
}

/** Whether it did what it was for: every idle job closed, none killed. */
const didItsWork = ({ runs }: Result): boolean =>
  runs.every(({ free }) => free.forced === 0 && free.closed > 0);

const ratioOf = ({ runs }: Result): number => median(runs.map(({ free, bound }) => free.doneMs / bound));

function timeOf(result: Result): string {
  const refusal = result.runs[0]?.free.refusal;
  if (didItsWork(result)) {
    const all = result.runs.map(({ free, bound }) => free.doneMs / bound);
    return `**${ratio(ratioOf(result))}** (${ratio(Math.min(...all))} to ${ratio(Math.max(...all))})`;
  }
  return refusal ? 'refused' : 'kills';
}

function row(result: Result, jobs: number): string[] {
  const { runs, contender } = result;
  const of = (pick: (measures: Measures) => number, inFunction = false) =>
    whole(median(runs.map(({ free, inFunction: limited }) => pick(inFunction ? limited : free))));
  const survived = runs.filter(({ inFunction }) => inFunction.durationMs <= functionLimitMs).length;
  return [
    contender.ours ? `**${contender.name}**` : contender.name,
    timeOf(result),
    survived === runs.length ? 'yes' : survived === 0 ? 'no' : `${survived} of ${runs.length}`,
    `${of(({ closedInTime }) => closedInTime, true)} of ${whole(jobs)}`,
    of(({ wronglyClosed }) => wronglyClosed),
    of(({ forced }) => forced),
    of(({ unknown }) => unknown, true),
    of(({ requests }) => requests),
    bytes(median(runs.map(({ free }) => free.bytes))),
  ];
}

const head = [
  'way of closing',
  'time / bound, median (range)',
  'ends within 15 min',
  'closed by then',
  'wrongly closed',
  'forced',
  'left unknown',
  'requests',
  'bytes received',
];

function bars(results: readonly Result[]): Bar[] {
  return results.map((result): Bar => {
    const { contender, runs } = result;
    const label = contender.name.replaceAll('`', '');
    if (!didItsWork(result))
      return {
        label,
        ours: contender.ours,
        value: undefined,
        note: runs[0]?.free.refusal ? 'refused: the line is too long' : `kills ${runs[0]?.free.forced} jobs`,
      };
    const late = runs.some(({ inFunction }) => inFunction.durationMs > functionLimitMs);
    return { label, ours: contender.ours, value: ratioOf(result), note: late ? 'over 15 min' : undefined };
  });
}

export interface ClosingReport {
  readonly markdown: string;
  readonly svg: string;
}

/** `repeats`: clusters drawn for each number of jobs; the n-th has the same jobs whoever closes them. */
export async function closingBench(
  sizes: readonly number[],
  repeats: number,
  tell: (line: string) => void,
): Promise<ClosingReport> {
  const seeds = Array.from({ length: repeats }, (_, index) => index + 1);
  const sections: string[] = [];
  const panels: Panel[] = [];
  for (const jobs of sizes) {
    const cases = seeds.map((seed) => benchCase(jobs, seed));
    const bound = median(cases.map(({ idle }) => lowerBound(idle)));
    const floor = median(cases.map(({ idle }) => floorByMemory(idle) / lowerBound(idle)));
    tell(`${whole(jobs)} idle jobs, lower bound ${seconds(bound)}`);
    const results = await compare(cases, tell);
    sections.push(
      `## ${whole(jobs)} idle jobs\n\nLower bound: ${seconds(bound)}. Floor of a planner that knows only the models' memory: ${ratio(floor)}.\n\n${table(
        head,
        results.map((result) => row(result, jobs)),
      )}`,
    );
    panels.push({ title: `${whole(jobs)} idle jobs (bound ${seconds(bound)})`, bars: bars(results) });
  }
  sections.push(await sensitivity(seeds, tell));
  return {
    markdown: [introduction(repeats), ...sections].join('\n\n'),
    svg: chart('Time until the last job is known to be closed, times the lower bound', panels),
  };
}

/** How much it matters to know one's nodes, and how it goes on other clusters. */
async function sensitivity(seeds: readonly number[], tell: (line: string) => void): Promise<string> {
  const jobs = 500;
  const timed = async (nodes: Nodes, perNode: number | undefined) => {
    const ratios: number[] = [];
    const requests: number[] = [];
    for (const seed of seeds) {
      const each = benchCase(jobs, seed, nodes);
      const { close, ...rest } = swift(nodes);
      const { perNode: _bench, ...others } = close ?? {};
      const payload = { ...rest, close: { ...others, ...(perNode && { perNode }) } };
      const measures = await measure(jobsweep(payload, endless), each);
      ratios.push(measures.doneMs / lowerBound(each.idle, nodes));
      requests.push(measures.requests);
    }
    return { ratio: median(ratios), requests: median(requests) };
  };
  const floor = (nodes: Nodes) =>
    median(
      seeds.map((seed) => {
        const { idle } = benchCase(jobs, seed, nodes);
        return floorByMemory(idle, nodes) / lowerBound(idle, nodes);
      }),
    );
  const knowing: string[][] = [];
  for (const perNode of [4, 6, 8, 9, 10, 12, 16, undefined]) {
    const measured = await timed(nodesOfTheBench, perNode);
    knowing.push([
      perNode === undefined ? 'left out' : String(perNode),
      ratio(measured.ratio),
      whole(measured.requests),
    ]);
    tell(`perNode ${perNode ?? 'left out'}: ${ratio(measured.ratio)}`);
  }
  const elsewhere: string[][] = [];
  for (const nodes of [
    { count: 1, capacity: 8 },
    { count: 2, capacity: 8 },
    { count: 3, capacity: 8 },
    { count: 4, capacity: 4 },
    { count: 8, capacity: 8 },
  ]) {
    const [places, none] = [await timed(nodes, nodes.capacity + 1), await timed(nodes, undefined)];
    elsewhere.push([
      `${nodes.count} × ${nodes.capacity}`,
      ratio(floor(nodes)),
      ratio(places.ratio),
      ratio(none.ratio),
    ]);
    tell(`${nodes.count} × ${nodes.capacity}: ${ratio(places.ratio)}`);
  }
  return [
    '## Not knowing the nodes',
    `${jobs} idle jobs on the bench's nodes, with another \`close.perNode\` than the nodes' 8 and one:`,
    table(['`close.perNode`', 'time / bound', 'requests'], knowing),
    `${jobs} idle jobs on other nodes, with their capacity and one as \`close.perNode\`, and without it:`,
    table(['nodes × capacity', 'floor', 'places per node', '`perNode` left out'], elsewhere),
    'Where the slowest close and the work of a node last about as long as each other (3 × 8 here), the noise weighs most: the slowest job has to run at full speed from the beginning, and nothing tells which it is. The floor is what a planner reaches that knows only the memory, and everything else exactly.',
  ].join('\n\n');
}

function introduction(repeats: number): string {
  const { count, capacity } = nodesOfTheBench;
  return `# Closing idle jobs: how long, and at what cost

Made by \`npm run bench\` (Node ${process.versions.node}), on the embedded cluster over real HTTP, in simulated time; ${repeats} seeded clusters for each number of jobs, medians.

**The model.** As many busy jobs as idle ones on ${count} ML nodes. The work of a close is log-normal, median 2 s and 99th percentile 60 s, correlated 0.6 with the memory of the job's model (log-normal, median 16 MB); the rest is noise that no stats tell. A node runs ${capacity} closes at full speed side by side (half of its 16 processors: a close keeps about two busy); more of them share that equally. A request takes ${networkMs} ms on its way. One busy job in twenty reads last year's records, one in twenty is sent late ones.

**The bound.** No way of closing ends before the slowest close is done, nor before the busiest node has done its work at full capacity: the larger of the two is the lower bound. "Time" is from the start until the last answer, for a sweep until it has read that the last job is closed; where something was left closing, until it is closed.

**The ways.** The scripts use the official client as it comes, and call a job idle when its newest record is older than 48 hours, which is event time: that is how they come to close jobs that read old records. They die with their function after 15 minutes; "left unknown" are jobs they had asked for without an answer by then. A sweep ends itself before its deadline, and hands what is still closing to a follow-up: its time is measured with a deadline that does not cut it, what it has closed after 15 minutes with the function's. "Places per node" is \`${JSON.stringify(swift().close)}\`.`;
}
