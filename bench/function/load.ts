/** @module Measures the load time of a module in fresh processes. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The script that each measured process runs. Its argument is the URL of the file to load. */
const probe = `
  const before = process.cpuUsage();
  const start = performance.now();
  await import(process.argv[1]);
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify([wall, (user + system) / 1000, process.memoryUsage().rss]));
  process.exit();
`;

export interface Load {
  readonly wallMs: number;
  /** Processor time across all threads, which is more reliable than wall-clock time on a busy machine. */
  readonly cpuMs: number;
  readonly rss: number;
}

/**
 * Loads each file in `times` fresh processes. The files take turns, so that other load on the machine affects all of
 * them equally. Returns the minimum for each file, because other load can only slow a process down.
 */
export async function minLoads<Name extends string>(
  files: Readonly<Record<Name, string>>,
  times: number,
): Promise<Readonly<Record<Name, Load>>> {
  const names = Object.keys(files) as Name[];
  const none: Load = { wallMs: Infinity, cpuMs: Infinity, rss: Infinity };
  const minimum = Object.fromEntries(names.map((name) => [name, none])) as Record<Name, Load>;
  for (let round = 0; round < times; round += 1) {
    for (const name of names) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--input-type=module',
        '--eval',
        probe,
        files[name],
      ]);
      const [wallMs, cpuMs, rss] = JSON.parse(stdout) as [number, number, number];
      const before = minimum[name];
      minimum[name] = {
        wallMs: Math.min(before.wallMs, wallMs),
        cpuMs: Math.min(before.cpuMs, cpuMs),
        rss: Math.min(before.rss, rss),
      };
    }
  }
  return minimum;
}
