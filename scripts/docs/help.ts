/** @module The help texts of `jobsweep` and its subcommands, as printed in 80 columns. */
import { Readable, Writable } from 'node:stream';
import { systemClock } from '../../src/base/system-clock.ts';
import { run } from '../../src/cli/run.ts';

/** The help text for each command line. `jobsweep` without a subcommand comes first. */
export async function helpPages(): Promise<[name: string, help: string][]> {
  // commander uses the width of the terminal, which must not affect the generated page
  Object.defineProperty(process.stdout, 'isTTY', { value: false });
  return await pagesBelow([]);
}

async function pagesBelow(path: readonly string[]): Promise<[string, string][]> {
  const help = await helpOf(path);
  const [, list = ''] = help.split('\nCommands:\n');
  const [own = ''] = list.split('\n\n');
  const names = [...own.matchAll(/^ {2}([a-z][a-z-]*)/gm)].flatMap(([, name]) => name ?? []);
  const pages: [string, string][] = [[['jobsweep', ...path].join(' '), help]];
  for (const name of names) if (name !== 'help') pages.push(...(await pagesBelow([...path, name])));
  return pages;
}

async function helpOf(path: readonly string[]): Promise<string> {
  let text = '';
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const exit = await run([...path, '--help'], {
    stdout: output,
    stderr: output,
    stdin: Readable.from([]),
    env: {},
    clock: systemClock,
    signal: new AbortController().signal,
  });
  if (exit !== 0) throw new Error(`jobsweep ${path.join(' ')} --help ended with ${exit}: ${text}`);
  return text.trim();
}
