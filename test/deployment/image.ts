/**
 * @module Builds the files of the container image by following the Dockerfile, without a container engine and without
 * the base images. The Node that runs the tests replaces the Node of both base images, and this checkout's packages
 * replace the result of `npm ci`.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import {
  type Copy,
  DockerfileParser,
  type Entrypoint,
  type Env,
  type Instruction,
  type Workdir,
} from 'dockerfile-ast';
import { root } from '../support/bin.ts';
import type { Folder } from '../support/folder.ts';

export const dockerfile = DockerfileParser.parse(readFileSync(path.join(root, 'Dockerfile'), 'utf8'));

interface Stage {
  readonly name: string | undefined;
  readonly files: string;
  workdir: string;
  environment: Record<string, string>;
  entrypoint: readonly string[];
}

export interface Image {
  /** The folder that becomes the root directory of the image. */
  readonly files: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

/** The top-level names of the checkout that `.dockerignore` lets into the build. */
export function contextNames(): string[] {
  const [first, ...rest] = readFileSync(path.join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (first !== '*' || rest.some((line) => !/^![\w.-]+$/.test(line)))
    throw new Error('.dockerignore: expected * and then names to let in');
  return rest.map((line) => line.slice(1));
}

const valuesOf = (instruction: Instruction) => instruction.getArguments().map((each) => each.getValue());

function copy(instruction: Copy, stage: Stage, stages: readonly Stage[]): void {
  const from = instruction
    .getFlags()
    .find((flag) => flag.getName() === 'from')
    ?.getValue();
  const values = valuesOf(instruction).filter((value) => !value.startsWith('--'));
  const target = path.join(stage.files, path.resolve(stage.workdir, values.at(-1) ?? ''));
  const isFolder = values.at(-1)?.endsWith('/') ?? false;
  for (const source of values.slice(0, -1)) {
    const other = stages.find(({ name }) => name === from);
    if (from !== undefined && other === undefined) throw new Error(`no stage ${from}`);
    if (other === undefined && source === '.') {
      for (const name of contextNames())
        cpSync(path.join(root, name), path.join(target, name), { recursive: true });
      continue;
    }
    if (other === undefined && !contextNames().includes(source))
      throw new Error(`.dockerignore keeps ${source} out`);
    const found = other === undefined ? path.join(root, source) : path.join(other.files, source);
    const into = isFolder && statSync(found).isFile() ? path.join(target, path.basename(found)) : target;
    mkdirSync(path.dirname(into), { recursive: true });
    cpSync(found, into, { recursive: true });
  }
}

function run(command: string, { files, workdir }: Stage): void {
  const cwd = path.join(files, workdir);
  if (/^npm ci\b[\w\s-]*$/.test(command)) {
    symlinkSync(path.join(root, 'node_modules'), path.join(cwd, 'node_modules'));
    return;
  }
  const PATH = `${path.dirname(process.execPath)}:${process.env.PATH}`;
  execFileSync('sh', ['-c', command], { cwd, env: { ...process.env, PATH }, stdio: 'pipe' });
}

/** Builds all stages in subfolders of `folder`, and returns the last stage. */
export function buildImage(folder: Folder): Image {
  const stages: Stage[] = [];
  for (const instruction of dockerfile.getInstructions()) {
    const keyword = instruction.getKeyword();
    const stage = stages.at(-1);
    if (keyword === 'FROM') {
      const files = folder.at(`stage-${stages.length}`);
      mkdirSync(files);
      const [, , name] = valuesOf(instruction);
      stages.push({ name, files, workdir: '/', environment: {}, entrypoint: [] });
    } else if (stage === undefined || ['ARG', 'LABEL', 'USER'].includes(keyword)) continue;
    else if (keyword === 'WORKDIR') {
      stage.workdir = (instruction as Workdir).getPath() ?? '/';
      mkdirSync(path.join(stage.files, stage.workdir), { recursive: true });
    } else if (keyword === 'COPY') copy(instruction as Copy, stage, stages);
    else if (keyword === 'RUN') run(instruction.getRawArgumentsContent() ?? '', stage);
    else if (keyword === 'ENV')
      for (const property of (instruction as Env).getProperties())
        stage.environment[property.getName()] = property.getValue() ?? '';
    else if (keyword === 'ENTRYPOINT')
      stage.entrypoint = (instruction as Entrypoint).getJSONStrings().map((each) => each.getJSONValue());
    else throw new Error(`the instruction ${keyword} is not known here`);
  }
  const last = stages.at(-1);
  if (last === undefined) throw new Error('the Dockerfile has no stage');
  return last;
}

/** Adds the Node of the base image with the shared libraries that it loads, and makes all files read-only. */
export function complete({ files, entrypoint: [node = ''] }: Image): void {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
  const needed = [...libraries.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(
    ([, file = '']) => [file, file] as const,
  );
  for (const [from, to] of [[process.execPath, node] as const, ...needed]) {
    const target = path.join(files, to);
    mkdirSync(path.dirname(target), { recursive: true });
    if (!existsSync(target)) copyFileSync(from, target);
    chmodSync(target, 0o755);
  }
  execFileSync('chmod', ['-R', 'a-w,a+rX', files]);
}

/** Whether this process may run a command as another user in another root directory (chroot). */
export const canRun = process.getuid?.() === 0 && existsSync('/usr/sbin/chroot');

/** Starts the image's command as the image's user, who sees only the image's files and cannot write. Needs root. */
export function startContainer(
  { files, environment, entrypoint }: Image,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
) {
  const user = `--userspec=${userOf()}`;
  return spawn('/usr/sbin/chroot', [user, files, ...entrypoint, ...args], {
    env: { ...environment, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The user of the image. */
export const userOf = () =>
  dockerfile
    .getInstructions()
    .filter((each) => each.getKeyword() === 'USER')
    .at(-1)
    ?.getArgumentsContent() ?? '';
