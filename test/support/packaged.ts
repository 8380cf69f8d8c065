import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { inject, vi } from 'vitest';

const root = path.join(import.meta.dirname, '../..');

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

/** A copy of the service in a separate folder, because the framework works in the folder in which it starts. */
export async function copyService(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-service-'));
  for (const part of [
    'src',
    'simulator',
    'deploy',
    'scripts',
    'bin',
    'events',
    'package.json',
    'serverless.yml',
    'LICENSE',
    'tsconfig.json',
  ])
    await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** Runs `npx sls ARGS` without network or credentials. If the command fails, rejects with its output. */
export async function serverless(
  folder: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { AWS_PROFILE: _none, ...environment } = process.env;
  const command = path.join(root, 'node_modules/serverless/bin/serverless.js');
  return await promisify(execFile)(process.execPath, [command, ...args], {
    cwd: folder,
    maxBuffer: 64 * 2 ** 20,
    // the framework leaves a temporary folder behind, which is deleted with the copy
    env: {
      ...environment,
      TMPDIR: folder,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_REGION: 'eu-central-1',
      ...settings,
    },
  }).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`sls ${args.join(' ')} failed:\n${error.stdout}\n${error.stderr}`);
  });
}

/**
 * Packages the service in a separate copy, as `npx sls package ARGS` does. Tests in a run that use the same arguments
 * share the packaging, so a test must not change it.
 */
export async function packageService(args: readonly string[] = []): Promise<Packaged> {
  const name = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 16);
  const folder = path.join(inject('packagings'), name);
  const ready = path.join(folder, 'ready');
  const isFirst = await mkdir(folder).then(
    () => true,
    () => false,
  );
  if (isFirst) {
    const end = await packageInto(folder, args).catch((error: Error) => error.message);
    await writeFile(`${ready}.part`, end ?? '');
    await rename(`${ready}.part`, ready);
  }
  const failure = await vi.waitFor(() => readFile(ready, 'utf8'), { timeout: 110_000, interval: 100 });
  if (failure !== '') throw new Error(failure);
  const template = await readFile(path.join(folder, 'out/cloudformation-template-update-stack.json'), 'utf8');
  return {
    template: JSON.parse(template) as Packaged['template'],
    zip: path.join(folder, 'out/jobsweep.zip'),
    task: path.join(folder, 'task'),
  };
}

async function packageInto(folder: string, args: readonly string[]): Promise<undefined> {
  const copy = await copyService();
  const out = path.join(folder, 'out');
  try {
    // Parameters do not change the bundle, so it is built once.
    const built = args.length > 0 ? (await packageService()).zip : '';
    await serverless(copy, ['package', '--package', out, ...args], { JOBSWEEP_FUNCTION_ZIP: built });
  } finally {
    await rm(copy, { recursive: true });
  }
  const files = unzipSync(await readFile(path.join(out, 'jobsweep.zip')));
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(folder, 'task', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
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
