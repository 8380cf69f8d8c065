/** @module The bench of the cold start: loading the deployed bundle, over nothing and over the official client alone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bytes, ratio, table } from '../numbers.ts';
import { startBundles } from './contenders.ts';
import { leastLoads } from './load.ts';

/** Returns the report. `times`: fresh processes for each. */
export async function coldStartBench(times: number, tell: (line: string) => void): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-start-'));
  try {
    const bundles = await startBundles(folder);
    const names = {
      empty: 'an empty handler',
      client: 'the official client alone, as it comes',
      leanClient: 'the official client alone, without what a sweep does not use',
      sweep: '**the deployed function**',
    } as const;
    const kinds = Object.keys(names) as (keyof typeof names)[];
    const loads = await leastLoads(
      Object.fromEntries(kinds.map((kind) => [kind, bundles[kind].file])) as Record<
        keyof typeof names,
        string
      >,
      times,
    );
    const rows = kinds.map((kind) => {
      const { wallMs, cpuMs, rss } = loads[kind];
      tell(`${names[kind]}: ${wallMs.toFixed(1)} ms`);
      return [
        names[kind],
        `${wallMs.toFixed(1)} ms`,
        `${cpuMs.toFixed(1)} ms`,
        ratio(cpuMs / loads.empty.cpuMs),
        ratio(cpuMs / loads.client.cpuMs),
        bytes(bundles[kind].loadedBytes),
        bytes(rss),
      ];
    });
    const shares = bundles.sweep.shares.slice(0, 12).map(([from, size]) => [from, bytes(size)]);
    const head = ['loads', 'wall', 'processor', 'over empty', 'over the client', 'bytes loaded', 'memory'];
    return [
      '# Cold start: loading the function',
      `Made by \`npm run bench\` (Node ${process.versions.node}): importing each bundle in ${times} fresh processes, in turn; the least of each, as nothing makes a process faster than it is. The ratios are of processor time, which a busy machine disturbs less. Node's own \`tls\`, \`http\` and \`https\`, which no client does without, are more than half of what the lean client takes.`,
      table(head, rows),
      `All of the function's code is ${bytes(bundles.sweep.bytes)}: the clients of Secrets Manager and of the Scheduler are loaded by the sweeps that need them. Of what each start loads, the largest parts are:`,
      table(['part', 'bytes'], shares),
    ].join('\n\n');
  } finally {
    await rm(folder, { recursive: true });
  }
}
