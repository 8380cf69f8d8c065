/** @module The results of the function benches as pages and as a table in docs/figures.md. */
import { bytes, ratio, table, whole } from '../numbers.ts';
import { type ColdStartResults, type Contender, contenders, type ScaleResults } from './results.ts';

const names: Readonly<Record<Contender, string>> = {
  empty: 'an empty handler',
  node: "Node's own `tls`, `http` and `https`",
  leanClient: 'the official client alone, on these modules, without the parts that a sweep does not use',
  client: 'the official client alone, unmodified',
  asItComes: 'the function with the unmodified client',
  sweep: '**the deployed function**',
};

const ms = (value: number, digits = 0) => `${value.toFixed(digits)} ms`;

/** The text of `bench/results/cold-start.md`. */
export function coldStartPage(results: ColdStartResults): string {
  const { node, times, loads, allBytes, shares, firstPlan } = results;
  const floor = loads.leanClient.cpuMs;
  return `<!-- Made from cold-start.json by \`npm run docs\`. -->

# Cold start

Measured by \`npm run bench cold-start\` (Node ${node}): the bundle with the options of \`serverless.yml\`, in fresh processes. Ratios compare processor time, because a busy machine disturbs it less than wall-clock time.

## Loading

Each bundle is imported ${times} times, in turn. The minimum counts, because other load can only slow a process down. The third row is the floor for a function with the official client. Node's own modules, which HTTPS needs, are ${Math.round((100 * loads.node.cpuMs) / floor)} % of this floor. The deployed function takes ${ratio(loads.sweep.cpuMs / floor)} of it. [The parts left out of the client](../../src/elasticsearch/client/lean-client.cjs).

${table(
  ['loads', 'processor', 'wall', 'over empty', 'over the client', 'bytes loaded', 'memory'],
  contenders.map((name) => {
    const { cpuMs, wallMs, rss, bytes: size } = loads[name];
    return [
      names[name],
      ms(cpuMs, 1),
      ms(wallMs, 1),
      ratio(cpuMs / loads.empty.cpuMs),
      ratio(cpuMs / loads.client.cpuMs),
      bytes(size),
      bytes(rss),
    ];
  }),
)}

All the function's code has ${bytes(allBytes)}. Only sweeps that need them load the clients of Secrets Manager and the Scheduler. The largest parts that every start loads:

${table(
  ['part', 'bytes'],
  shares.map(([from, size]) => [from, bytes(size)]),
)}

V8's compile cache is not used. A fresh sandbox has none, and its task folder is read-only. A shipped cache works only with the exact build of Node that wrote it.

## Until the first plan

The time from loading the bundle to the report of a plan of the built-in cluster's ${firstPlan.jobs} jobs, over plain HTTP; medians of ${times}. The client's default connection compiles a parser at its first use; in Node's own connection, the parser is built in.

${table(
  ['', 'processor', 'ratio', 'peak memory', 'ratio'],
  (['asItComes', 'sweep'] as const).map((name) => {
    const { cpuMs, peak } = firstPlan[name];
    return [
      names[name],
      ms(cpuMs),
      ratio(cpuMs / firstPlan.asItComes.cpuMs),
      bytes(peak),
      ratio(peak / firstPlan.asItComes.peak),
    ];
  }),
)}
`;
}

/** The text of `bench/results/scale.md`. */
export function scalePage({ node, times, nodeOptions, machine, sizes }: ScaleResults): string {
  return `<!-- Made from scale.json by \`npm run docs\`. -->

# Scale: inventory, decision and plan

Measured by \`npm run bench scale\` (Node ${node}): the deployed bundle plans (\`dryRun\`) on an embedded cluster in which every job is idle and has a datafeed, so that every job is read, judged, reported and logged. Figures are medians over ${times} fresh processes for each number of jobs. The peak is the maximum resident memory of the process (\`VmHWM\`); the cluster runs in another process.

${table(
  [
    'jobs',
    'processor',
    'per job',
    'peak memory',
    'highest peak',
    'growth per job',
    'plain Node: processor',
    'peak memory',
  ],
  sizes.map(({ jobs, cpuMs, peak, highestPeak, grown, plain }) => [
    whole(jobs),
    ms(cpuMs),
    `${((1_000 * cpuMs) / jobs).toFixed(0)} µs`,
    bytes(peak),
    bytes(highestPeak),
    `${(grown / jobs / 1_024).toFixed(1)} kB`,
    ms(plain.cpuMs),
    bytes(plain.peak),
  ]),
)}

The server may have cut an answer of 10,000 entries, so from that size on, everything is read a second time, in parts. Node starts with the template's \`NODE_OPTIONS=${nodeOptions}\`; in the last two columns it starts without them. There V8 sizes its heap by the machine's memory (${Math.round(machine / 2 ** 30)} GB here) and collects garbage later; with the function's 512 MB it would not.
`;
}

/** The table in docs/figures.md. */
export function functionTable({ loads, firstPlan }: ColdStartResults, { sizes }: ScaleResults): string {
  const row = (name: 'asItComes' | 'sweep') => [
    names[name],
    bytes(loads[name].bytes),
    ratio(loads[name].cpuMs / loads.client.cpuMs),
    ratio(firstPlan[name].cpuMs / firstPlan.asItComes.cpuMs),
    bytes(firstPlan[name].peak),
  ];
  const largest = sizes.at(-1);
  const smaller = sizes.find(({ jobs }) => jobs === 1_000);
  if (!largest || !smaller) throw new Error('the results have no row for 1,000 jobs');
  const floor = loads.leanClient;
  return `${table(
    ['cold start of', 'code loaded', 'loading', 'until the first plan', 'peak memory'],
    [row('asItComes'), row('sweep')],
  )}

The ratios compare processor time in fresh processes. Loading is relative to the unmodified official client alone, and the first plan is relative to the function with that client. The minimum for a function with the client is ${ratio(floor.cpuMs / loads.client.cpuMs)} and ${bytes(floor.bytes)}. A plan of ${whole(largest.jobs)} jobs takes ${ratio(largest.cpuMs / smaller.cpuMs)} the time of a plan of ${whole(smaller.jobs)} jobs, with a peak of ${bytes(largest.peak)} of memory.`;
}
