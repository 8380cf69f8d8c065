import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { unzipSync } from 'fflate';
import { inject } from 'vitest';
import { type FrameworkOutput, type FrameworkRun, failure } from './framework-command.ts';
import { onceInRun } from './once-in-run.ts';

export interface CloudFormationResource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
}

export interface Packaged {
  readonly template: {
    readonly Resources: Readonly<Record<string, CloudFormationResource>>;
    readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
    readonly Conditions: Readonly<Record<string, unknown>>;
  };
  /** The zip that would be uploaded. */
  readonly zip: string;
  /** The folder with the unpacked zip. */
  readonly task: string;
}

/**
 * Packages the service in a separate copy, as `npx sls package ARGS` does. Tests in a run that use the same arguments
 * share the result, so a test must not change it.
 */
export async function packageService(args: readonly string[] = []): Promise<Packaged> {
  const name = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 16);
  const folder = await onceInRun(name, (to) => packageInto(to, args));
  const template = await readFile(path.join(folder, 'out/cloudformation-template-update-stack.json'), 'utf8');
  return {
    template: JSON.parse(template) as Packaged['template'],
    zip: path.join(folder, 'out/jobsweep.zip'),
    task: path.join(folder, 'task'),
  };
}

async function packageInto(folder: string, args: readonly string[]): Promise<void> {
  const out = path.join(folder, 'out');
  // Parameters do not change the bundle, so only the run without parameters builds and unpacks the bundle.
  const built = args.length > 0 ? await packageService() : undefined;
  await runShared({
    args: ['package', '--package', out, ...args],
    settings: built ? { JOBSWEEP_FUNCTION_ZIP: built.zip } : {},
  });
  if (built !== undefined) {
    await symlink(built.task, path.join(folder, 'task'));
    return;
  }
  const files = unzipSync(await readFile(path.join(out, 'jobsweep.zip')));
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(folder, 'task', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

/** Runs the command in the process that the tests share (see packagings.ts). */
async function runShared(run: FrameworkRun): Promise<void> {
  const response = await fetch(inject('framework'), { method: 'POST', body: JSON.stringify(run) });
  const output = (await response.json()) as FrameworkOutput;
  if (output.exitCode !== 0) throw failure(run.args, output);
}

export type Entry = Pick<typeof import('../../src/function/handler.ts'), 'createHandler'>;

/** The entry file of the bundle that would be uploaded. */
export async function entryOf({ template, task }: Packaged): Promise<Entry> {
  const Handler = String(template.Resources.SweepLambdaFunction?.Properties.Handler);
  const file = path.join(task, Handler.slice(0, Handler.lastIndexOf('.')));
  const names = await readdir(path.dirname(file));
  const name = names.find((each) => path.parse(each).name === path.basename(file));
  return (await import(pathToFileURL(path.join(path.dirname(file), name ?? '')).href)) as Entry;
}
