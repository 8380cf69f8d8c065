/** @module Runs random cases in a copy of the sources with one break applied. */
import { fork } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { badInputs } from '../bad-input/index.ts';
import type { RunResult } from '../bad-input/property.ts';
import type { Order } from '../bad-input/worker.ts';
import { runChunk, sendOrder } from '../pool.ts';
import type { Break } from './break.ts';
import { breakLine, fileOf } from './marks.ts';

const root = path.join(import.meta.dirname, '../..');

export interface Found {
  /** The number of cases that ran, including the case that noticed the break. */
  readonly cases: number;
  /** The properties that were violated. */
  readonly violated: readonly string[];
}

/** Runs up to `cases` cases on a copy of the sources with the break, until a case violates the break's property. */
export async function tryBreak(
  given: Break,
  { cases, seed }: { cases: number; seed: number },
): Promise<Found> {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-break-'));
  try {
    for (const part of ['src', 'simulator', 'proof', 'test/support', 'bin', 'package.json'])
      await cp(path.join(root, part), path.join(folder, part), { recursive: true });
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
    const file = path.join(folder, fileOf(given));
    await writeFile(file, breakLine(await readFile(file, 'utf8'), given));
    const { property } = given;
    if (badInputs.some(({ name }) => name === property))
      return await runBadInputUntilFound(
        path.join(folder, 'proof/bad-input/worker.ts'),
        property,
        cases,
        seed,
      );
    return await runUntilFound(path.join(folder, 'proof/worker.ts'), property, cases, seed);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runUntilFound(worker: string, property: string, cases: number, seed: number): Promise<Found> {
  const child = fork(worker);
  const violated = new Set<string>();
  let run = 0;
  try {
    // continues until a case violates the break's own property, because a case may violate another property first
    for (let chunk = 0; run < cases && !violated.has(property); chunk += 1) {
      const { coverage } = await runChunk(child, { seed: seed + chunk, cases: cases - run, shrink: false });
      run += coverage.cases;
      for (const [name, counts] of Object.entries(coverage.properties))
        if (counts.violated > 0) violated.add(name);
      if (coverage.cases === 0) break;
    }
  } finally {
    child.disconnect();
  }
  return { cases: run, violated: [...violated] };
}

/** Runs up to `cases` cases of one property for bad input, until a case violates the property. */
async function runBadInputUntilFound(
  worker: string,
  name: string,
  cases: number,
  seed: number,
): Promise<Found> {
  const child = fork(worker);
  try {
    const order: Order = { name, cases, seed, shrink: false };
    const result = await sendOrder<RunResult>(child, { ...order }, seed);
    return { cases: result.cases, violated: result.violated ? [name] : [] };
  } finally {
    child.kill();
  }
}
