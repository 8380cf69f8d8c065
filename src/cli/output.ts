/** @module Where a result goes and in which form: `-o`, `--output-file`. */
import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { type Command, Option } from 'commander';
import { InvalidSettingError } from '../sweep/errors.ts';
import { plainJson } from '../sweep/text.ts';
import type { Io } from './io.ts';

export const outputForms = ['table', 'json', 'ndjson', 'markdown', 'html'] as const;
export type OutputForm = (typeof outputForms)[number];

export interface OutputOptions {
  readonly output?: OutputForm;
  readonly outputFile?: string;
}

/** How a result looks in each form; every text ends with a line end. */
export type Renderings = { readonly [form in OutputForm]: () => string | Promise<string> };

/** Adds `-o` and `--output-file`. */
export function withOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '-o, --output <form>',
        'the form of the result (default: table on a terminal, else json)',
      ).choices(outputForms),
    )
    .option('--output-file <file>', 'write the result to a file; its ending tells the form if -o does not');
}

const formOfEnding: Readonly<Record<string, OutputForm>> = {
  '.json': 'json',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.md': 'markdown',
  '.html': 'html',
  '.htm': 'html',
  '.txt': 'table',
};

/**
 * Makes sure, before anything is done that needs telling, that the result can be written.
 * @throws {InvalidSettingError} naming the file.
 */
export async function checkOutput({ outputFile }: OutputOptions): Promise<void> {
  if (outputFile === undefined) return;
  const found = await stat(outputFile).catch(() => undefined);
  if (found?.isDirectory())
    throw new InvalidSettingError(`--output-file: ${outputFile} is a directory; name a file`);
  const target = found ? outputFile : dirname(outputFile);
  await access(target, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new InvalidSettingError(`--output-file: ${outputFile} cannot be written: ${target}: ${error.code}`);
  });
}

/**
 * Writes the result: to the file that was named, and to standard output if there is none or somebody looks at it.
 * A file that can no longer be written leaves the result on standard output: it may be all that is known of a sweep.
 */
export async function writeResult(
  renderings: Renderings,
  { output, outputFile }: OutputOptions,
  io: Io,
): Promise<void> {
  const text = await rendered(renderings, formOf(output, outputFile, io), io);
  if (outputFile === undefined) {
    await write(io.stdout, text);
    return;
  }
  try {
    await writeFile(outputFile, text);
    io.stderr.write(`the result is in ${outputFile} (${formOf(output, outputFile, io)})\n`);
  } catch (error) {
    io.stderr.write(
      `jobsweep: ${outputFile} could not be written (${(error as NodeJS.ErrnoException).code}): the result follows\n`,
    );
    await write(io.stdout, text);
    return;
  }
  if (io.stdout.isTTY) await write(io.stdout, await renderings.table());
}

function formOf(output: OutputForm | undefined, outputFile: string | undefined, { stdout }: Io): OutputForm {
  if (output !== undefined) return output;
  if (outputFile === undefined) return stdout.isTTY ? 'table' : 'json';
  return formOfEnding[extname(outputFile).toLowerCase()] ?? 'json';
}

/** The form asked for, or JSON where a bug keeps that from being made: jobs may be closed, and the report must be had. */
async function rendered(renderings: Renderings, form: OutputForm, io: Io): Promise<string> {
  try {
    return await renderings[form]();
  } catch (error) {
    io.stderr.write(
      `jobsweep: a bug keeps the result from being written as ${form}, please report it; JSON follows: ${String(error)}\n`,
    );
    return await renderings.json();
  }
}

/** Resolves when the text has left this process, or the reader has: a pipe takes 64 KB at once and no more. */
function write(output: Io['stdout'], text: string): Promise<void> {
  return new Promise((resolve) => {
    output.write(text, () => resolve());
  });
}

/** A value as JSON that people can read. */
export const json = (value: unknown): string => `${plainJson(value, 2)}\n`;
