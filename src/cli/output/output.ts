/** @module Writes a result in the chosen format to the chosen destination: `-o` and `--output-file`. */
import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
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

/** A result in each format. Every text ends with a line break. */
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
    .option(
      '--output-file <file>',
      'write the result to a file in the form of its ending; another form in -o is for standard output',
    );
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
 * Checks, before the command changes anything, that the result can be written.
 * @throws {InvalidSettingError} with the name of the file.
 */
export async function checkOutput({ output, outputFile }: OutputOptions): Promise<void> {
  if (outputFile === undefined) return;
  const ending = extname(outputFile);
  if (output === undefined && ending !== '' && formOf(outputFile) === undefined)
    throw new InvalidSettingError(
      `--output-file: the ending of ${outputFile} is not known: expected ${Object.keys(formOfEnding).join(', ')}, or -o with the form of the file`,
    );
  const found = await stat(outputFile).catch(() => undefined);
  if (found?.isDirectory())
    throw new InvalidSettingError(`--output-file: ${outputFile} is a directory; name a file`);
  const target = found ? outputFile : dirname(outputFile);
  await access(target, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new InvalidSettingError(`--output-file: ${outputFile} cannot be written: ${target}: ${error.code}`);
  });
}

/** The result of a command before it is written. */
export interface Ending {
  readonly exit: ExitCode;
  /** Whether the command may have changed something, so that its report must not be lost. */
  readonly changes?: boolean;
  /** Final lines on standard error. If the result also goes to standard error, the result follows these lines. */
  readonly closing?: readonly string[];
}

/**
 * Writes the result to the file, to standard output, or to both, and returns the exit code. A result that cannot be
 * written goes to standard error. The exit code is then at least 3 if the command may have changed something, otherwise
 * 1. A reader that leaves early (`jobsweep plan | head`) counts as an error only if something may have changed.
 */
export async function writeResult(
  renderings: Renderings,
  options: OutputOptions,
  io: Io,
  { exit, changes = false, closing = [] }: Ending,
): Promise<ExitCode> {
  const { outputFile } = options;
  const { inFile, shown } = formsOf(options, io);
  const form = inFile ?? shown ?? 'json';
  const text = await rendered(renderings, form, io);
  const failure =
    outputFile === undefined
      ? await write(io.stdout, text, io.signal)
      : // A file has no colours, even if the terminal does.
        await writeFile(outputFile, stripVTControlCharacters(text)).catch(
          (error: NodeJS.ErrnoException) => error,
        );
  if (!failure) {
    if (outputFile !== undefined) {
      await write(io.stderr, `the result is in ${outputFile} (${form})\n`, io.signal);
      if (shown) await write(io.stdout, await rendered(renderings, shown, io), io.signal);
    }
    for (const line of closing) io.stderr.write(`${line}\n`);
    return exit;
  }
  if (!changes && failure.code === 'EPIPE') return exit;
  for (const line of closing) io.stderr.write(`${line}\n`);
  const where = outputFile ?? 'standard output';
  // The report is written on lines of its own, so that log readers can still parse it.
  const report = form === 'ndjson' ? text : `${plainJson(JSON.parse(await renderings.json()))}\n`;
  await write(
    io.stderr,
    `jobsweep: ${where} could not be written (${failure.code ?? failure.message}): the result follows\n${report}`,
    io.signal,
  );
  return changes ? (Math.max(exit, partialExit) as ExitCode) : 1;
}

/** The minimum exit code if the report was not written where it was requested. */
const partialExit: ExitCode = 3;

/** The format that a file name extension selects. */
const formOf = (file: string): OutputForm | undefined => formOfEnding[extname(file).toLowerCase()];

/** The format of the file that `--output-file` names; undefined if the option is not set. */
export const formOfFile = ({ output, outputFile }: OutputOptions): OutputForm | undefined =>
  outputFile === undefined ? undefined : (formOf(outputFile) ?? output ?? 'json');

/**
 * The formats of the file and of standard output. If `-o` and the file name extension select the same format, `-o`
 * applies only to the file, and a terminal shows the table.
 */
function formsOf(
  options: OutputOptions,
  { stdout }: Io,
): { readonly inFile?: OutputForm; readonly shown?: OutputForm | undefined } {
  const { output } = options;
  const inFile = formOfFile(options);
  if (inFile === undefined) return { shown: output ?? (stdout.isTTY ? 'table' : 'json') };
  if (output !== undefined && output !== inFile) return { inFile, shown: output };
  return { inFile, shown: stdout.isTTY ? 'table' : undefined };
}

/** Whether the result is shown or written in a format that people read: a table, Markdown or HTML. */
export function isShownAsText(options: OutputOptions, io: Io): boolean {
  const { inFile, shown } = formsOf(options, io);
  return [inFile, shown].some((form) => form === 'table' || form === 'markdown' || form === 'html');
}

/**
 * The result in the requested format. If a bug prevents this, returns JSON: jobs may have been closed, so the report
 * must not be lost.
 */
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

/** After a signal, the maximum wait for a stalled reader, in milliseconds. */
const stalledAfterStop = 1_000;

/** Resolves when the text has left this process (a full pipe delays it), or with the error if writing fails. */
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

/** Indented JSON. */
export const json = (value: unknown): string => `${plainJson(value, 2)}\n`;
