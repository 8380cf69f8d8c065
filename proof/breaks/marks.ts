/** @module Finds the marks of the deliberate breaks, `// break: NAME`, in the source, and replaces the marked lines. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Break } from './break.ts';

const root = path.join(import.meta.dirname, '../..');
const comment = /^\s*\/\//;
const markComment = /\s*\/\/ break: ([a-z0-9-]+)$/;

/** The marks in the source. Cached, because each of a hundred breaks looks for its mark. */
let marks: ReadonlyMap<string, readonly string[]> | undefined;

/**
 * The paths of the files that contain each mark, relative to the root of the repository. A file that contains a mark
 * twice is listed twice.
 */
export function findMarks(): ReadonlyMap<string, readonly string[]> {
  marks ??= readMarks();
  return marks;
}

function readMarks(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const file of globSync(['src/**/*.ts', 'simulator/**/*.ts'], { cwd: root }))
    for (const line of readFileSync(path.join(root, file), 'utf8').split('\n')) {
      const mark = markComment.exec(line)?.[1];
      if (mark) found.set(mark, [...(found.get(mark) ?? []), file]);
    }
  return found;
}

/** The file with the break's mark. @throws {Error} unless exactly one line in the source has the mark */
export function fileOf({ mark }: Break): string {
  const [file, ...more] = findMarks().get(mark) ?? [];
  if (file === undefined || more.length > 0)
    throw new Error(`${file ? 'more than one line carries' : 'no line carries'} the mark "${mark}"`);
  return file;
}

/**
 * Applies the break to the text. @throws {Error} if the mark is missing, or if the part to replace does not occur
 * exactly once in the marked line
 */
export function breakLine(text: string, { mark, becomes }: Break): string {
  const lines = text.split('\n');
  const marked = lines.findIndex((line) => markComment.exec(line)?.[1] === mark);
  if (marked === -1) throw new Error(`no line carries the mark "${mark}"`);
  const below = lines.findIndex((line, index) => index >= marked && !comment.test(line));
  const line = (lines[below] ?? '').replace(markComment, '');
  lines[below] = typeof becomes === 'string' ? becomes : replaceOnce(line, becomes);
  return lines.join('\n');
}

function replaceOnce(line: string, [part, replacement]: readonly [string, string]): string {
  const parts = line.split(part);
  if (parts.length !== 2) throw new Error(`"${part}" occurs ${parts.length - 1} times in: ${line.trim()}`);
  return parts.join(replacement);
}
