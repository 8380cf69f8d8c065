/**
 * @module Global setup for the tests that package the service: a folder in which they share the results. Packaging
 * takes seconds, and several test files need the same result.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    readonly packagings: string;
  }
}

export default async function setup({ provide }: TestProject) {
  const folder = await mkdtemp(path.join(tmpdir(), 'jobsweep-packagings-'));
  provide('packagings', folder);
  return () => rm(folder, { recursive: true, force: true });
}
