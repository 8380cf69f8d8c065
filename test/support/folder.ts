/** @module A temporary folder for one test, deleted when the test ends. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Folder implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a file and returns its path. */
  async write(name: string, text: string | Uint8Array): Promise<string> {
    await writeFile(this.at(name), text);
    return this.at(name);
  }

  read(name: string): Promise<string> {
    return readFile(this.at(name), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

export const newFolder = async (): Promise<Folder> => new Folder(await mkdtemp(join(tmpdir(), 'jobsweep-')));
