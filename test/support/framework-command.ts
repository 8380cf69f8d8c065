/** @module The command of the Serverless Framework, on a copy of the service. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.join(import.meta.dirname, '../..');

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

/** The environment in which the framework has neither network nor credentials. */
export function frameworkEnvironment(folder: string) {
  const { AWS_PROFILE: _none, ...environment } = process.env;
  return {
    ...environment,
    // the framework leaves a temporary folder behind, which is deleted with the copy
    TMPDIR: folder,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: 'eu-central-1',
  };
}

/** Runs `npx sls ARGS` without network or credentials. If the command fails, rejects with its output. */
export async function serverless(
  folder: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const command = path.join(root, 'node_modules/serverless/bin/serverless.js');
  return await promisify(execFile)(process.execPath, [command, ...args], {
    cwd: folder,
    maxBuffer: 64 * 2 ** 20,
    env: { ...frameworkEnvironment(folder), ...settings },
  }).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`sls ${args.join(' ')} failed:\n${error.stdout}\n${error.stderr}`);
  });
}
