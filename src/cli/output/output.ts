/** @module Where a result goes and in which form: `-o`, `--output-file`. */
import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { type Command, Option } from 'commander';
import { InvalidSettingError } from '../../base/errors.ts';
import { plainJson } from '../../base/text.ts';
import type { ExitCode, Io } from '../io.ts';

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
    .optionsGroup('Output:')
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

/** What a command came to, before its result is written. */
export interface Ending {
  readonly exit: ExitCode;
  /** The command may have changed something, so that its result is a report of what it did. */
  readonly changes?: boolean;
  /** The last words on standard error; before the result where that goes to standard error as well. */
  readonly closing?: readonly string[];
}

/**
 * Writes the result to the file that was named, else to standard output, and to a terminal in any case. Returns what
 * the command exits with: a report that cannot be written goes to standard error, and the exit is at least 3; with any
 * other result the exit is 1. A reader that leaves early (`jobsweep plan | head`) is an error for reports only.
 */
export async function writeResult(
  renderings: Renderings,
  { output, outputFile }: OutputOptions,
  io: Io,
  { exit, changes = false, closing = [] }: Ending,
): Promise<ExitCode> {
  const form = formOf(output, outputFile, io);
  const text = await rendered(renderings, form, io);
  const failure =
    outputFile === undefined
      ? await write(io.stdout, text, io.signal)
      : await writeFile(outputFile, text).catch((error: NodeJS.ErrnoException) => error);
  if (!failure) {
    if (outputFile !== undefined) {
      await write(io.stderr, `the result is in ${outputFile} (${form})\n`, io.signal);
      if (io.stdout.isTTY) await write(io.stdout, await renderings.table(), io.signal);
    }
    for (const line of closing) io.stderr.write(`${line}\n`);
    return exit;
  }
  if (!changes && failure.code === 'EPIPE') return exit;
  for (const line of closing) io.stderr.write(`${line}\n`);
  const where = outputFile ?? 'standard output';
  // On lines of its own, between other messages: what reads logs can still read the report.
  const report = form === 'ndjson' ? text : `${plainJson(JSON.parse(await renderings.json()))}\n`;
  await write(
    io.stderr,
    `jobsweep: ${where} could not be written (${failure.code ?? failure.message}): the result follows\n${report}`,
    io.signal,
  );
  return changes ? (Math.max(exit, partialExit) as ExitCode) : 1;
}

/** A report that is not where it was asked for is not all of what was asked for. */
const partialExit: ExitCode = 3;

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

/** A signal does not wait longer than this for a stalled reader, in milliseconds. */
const stalledAfterStop = 1_000;

/** Resolves when the text has left this process (a pipe takes 64 KB at once), with the error if it has not. */
function write(
  output: Io['stdout'],
  text: string,
  signal: AbortSignal,
): Promise<NodeJS.ErrnoException | undefined> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | undefined>();
  const giveUp = () => setTimeout(() => resolve(new Error('nothing reads it')), stalledAfterStop).unref();
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  output.write(text, (error) => {
    signal.removeEventListener('abort', giveUp);
    resolve(error ?? undefined);
  });
  return promise;
}

/** A value as JSON that people can read. */
export const json = (value: unknown): string => `${plainJson(value, 2)}\n`;
