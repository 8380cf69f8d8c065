import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';

const root = path.join(import.meta.dirname, '../..');

export interface CloudFormationResource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
}

export interface Packaged extends AsyncDisposable {
  readonly template: {
    readonly Resources: Readonly<Record<string, CloudFormationResource>>;
    readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
  };
  /** The folder with the unpacked deployment zip. */
  readonly task: string;
}

/** A copy of the service in its own folder, because the framework writes into the folder in which it is started. */
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

/** Runs `npx sls ARGS` without network or credentials. If it fails, rejects with its output. */
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

/** Packages a copy of the service, as `npx sls package` does. */
export async function packageService(args: readonly string[] = []): Promise<Packaged> {
  const folder = await copyService();
  await serverless(folder, ['package', '--package', 'out', ...args]);
  const out = path.join(folder, 'out');
  const task = path.join(folder, 'task');
  const files = unzipSync(await readFile(path.join(out, 'jobsweep.zip')));
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(task, name)), { recursive: true });
    await writeFile(path.join(task, name), bytes);
  }
  const template = await readFile(path.join(out, 'cloudformation-template-update-stack.json'), 'utf8');
  return {
    template: JSON.parse(template) as Packaged['template'],
    task,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
