/** @module The results of the function benches as pages and as a table of docs/figures.md. */
import { bytes, ratio, table, whole } from '../numbers.ts';
import { type ColdStartResults, type Contender, contenders, type ScaleResults } from './results.ts';

const names: Readonly<Record<Contender, string>> = {
  empty: 'an empty handler',
  node: "Node's own `tls`, `http` and `https`",
  leanClient: 'the official client alone, over those and without what a sweep does not use',
  client: 'the official client alone, as it comes',
  asItComes: 'the function with the client as it comes',
  sweep: '**the deployed function**',
};

const ms = (value: number, digits = 0) => `${value.toFixed(digits)} ms`;

/** `bench/results/cold-start.md` */
export function coldStartPage(results: ColdStartResults): string {
  const { node, times, loads, allBytes, shares, firstPlan } = results;
  const floor = loads.leanClient.cpuMs;
  return `<!-- Made from cold-start.json by \`npm run docs\`. -->

# Cold start

Measured by \`npm run bench cold-start\` (Node ${node}): the bundle with the options of \`serverless.yml\`, in fresh processes. The ratios are of processor time, which a busy machine disturbs less than the wall clock.

## Loading

Each bundle is imported ${times} times, in turn, and the least of each is taken, as nothing makes a process faster than it is. The floor of a function with the official client is the third row, of which ${Math.round((100 * loads.node.cpuMs) / floor)} % are Node's own modules, without which nothing speaks HTTPS; the deployed function is at ${ratio(loads.sweep.cpuMs / floor)} of it. [What is left out of the client](../../src/elasticsearch/client/lean-client.cjs).

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

All of the function's code is ${bytes(allBytes)}: the clients of Secrets Manager and of the Scheduler are loaded by the sweeps that need them. Of what each start loads, the largest parts are:

${table(
  ['part', 'bytes'],
  shares.map(([from, size]) => [from, bytes(size)]),
)}

Not used: a compile cache of V8. A fresh sandbox has none, its task folder cannot be written, and one that was shipped would be refused by any other build of Node than the one that made it.

## Until the first plan

From loading to the report of a plan of the ${firstPlan.jobs} jobs of the built-in cluster, over plain HTTP; medians of ${times}. The client's default connection compiles a parser when it is first used; Node's own has it built in.

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

/** `bench/results/scale.md` */
export function scalePage({ node, times, nodeOptions, machine, sizes }: ScaleResults): string {
  return `<!-- Made from scale.json by \`npm run docs\`. -->

# Scale: inventory, decision and plan

Measured by \`npm run bench scale\` (Node ${node}): the deployed bundle plans (\`dryRun\`) on an embedded cluster where every job is idle and has a datafeed, so that every one is read, judged, reported and logged; ${times} fresh processes for each number of jobs, medians. The peak is the most resident memory that the process ever had (\`VmHWM\`); the cluster is in another.

${table(
  [
    'jobs',
    'processor',
    'per job',
    'peak memory',
    'the highest peak',
    'over rest, per job',
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

An answer of 10,000 entries may have been cut by the server, so from there on all is read a second time, in parts. Node is started with the template's \`NODE_OPTIONS=${nodeOptions}\`; the last two columns are without. There V8 goes by the memory of the machine (${Math.round(machine / 2 ** 30)} GB here) and lets more pile up before it looks; in 512 MB, as the function has, it does not.
`;
}

/** The table of docs/figures.md. */
export function functionTable({ loads, firstPlan }: ColdStartResults, { sizes }: ScaleResults): string {
  const row = (name: 'asItComes' | 'sweep') => [
    names[name],
    bytes(loads[name].bytes),
    ratio(loads[name].cpuMs / loads.client.cpuMs),
    ratio(firstPlan[name].cpuMs / firstPlan.asItComes.cpuMs),
    bytes(firstPlan[name].peak),
  ];
  const most = sizes.at(-1);
  const least = sizes.find(({ jobs }) => jobs === 1_000);
  if (!most || !least) throw new Error('the results lack 1,000 jobs, or any');
  const floor = loads.leanClient;
  return `${table(
    ['cold start of', 'code loaded', 'loading', 'until the first plan', 'peak memory'],
    [row('asItComes'), row('sweep')],
  )}

Processor time in fresh processes: of loading over that of the official client alone as it comes, until the first plan over that of the function with it. The least that a function with the client can have is ${ratio(floor.cpuMs / loads.client.cpuMs)} and ${bytes(floor.bytes)}. A plan of ${whole(most.jobs)} jobs takes ${ratio(most.cpuMs / least.cpuMs)} the time of one of ${whole(least.jobs)}, and ${bytes(most.peak)} of memory at its peak.`;
}
