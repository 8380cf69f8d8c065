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
  /** Where the zip that would be uploaded is unpacked. */
  readonly task: string;
}

/**
 * Packages the service as `npx sls package` does, without network or credentials, in a copy of its own: the packager
 * works in the folder that it is started in.
 */
export async function packageService(args: readonly string[] = []): Promise<Packaged> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-package-'));
  for (const part of ['src', 'deploy', 'scripts', 'bin', 'package.json', 'serverless.yml', 'tsconfig.json'])
    await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const { AWS_PROFILE: _none, ...environment } = process.env;
  await promisify(execFile)(
    process.execPath,
    [path.join(root, 'node_modules/serverless/bin/serverless.js'), 'package', '--package', 'out', ...args],
    {
      cwd: folder,
      env: { ...environment, AWS_EC2_METADATA_DISABLED: 'true', AWS_REGION: 'eu-central-1' },
    },
  ).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`packaging failed:\n${error.stdout}\n${error.stderr}`);
  });
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
