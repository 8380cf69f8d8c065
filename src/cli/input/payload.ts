/** @module The request of a command: the payload from `-p`, overridden by flags. */
import { readFile } from 'node:fs/promises';
import { InvalidRequestError, InvalidSettingError, type Problem } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { decodeText } from '../../base/text-file.ts';
import { parseRequest, type ReadRequest } from '../../sweep/request/read-request.ts';
import type { Io } from '../io.ts';
import { documentError, InvalidDocumentError, readDocument, type SourceDocument } from './document.ts';
import {
  droppedExclusions,
  type Flag,
  flagBehind,
  flagsOf,
  problemOfFlag,
  type RequestOptions,
  withFlags,
} from './request-flags.ts';

/** The validated request of a command, from its options. */
export function readRequest(options: RequestOptions, io: Io): Promise<ReadRequest> {
  return readPayload(options.payload, io, flagsOf(options));
}

/** Reads and validates the payload, `{}` by default. Flags override its fields. */
async function readPayload(
  name: string | undefined,
  io: Io,
  flags: readonly Flag[] = [],
): Promise<ReadRequest> {
  const document = name === undefined ? undefined : await documentOf(name, io);
  const payload = document ? document.value : {};
  try {
    if (flags.length === 0 || !isJsonObject(payload)) return parseRequest(payload);
    if (payload['detail-type'] !== undefined)
      throw new InvalidSettingError(
        `${flags[0]?.name}: the payload is the event of a schedule, not a request: leave out one of the two`,
      );
    const { request, warnings } = parseRequest(withFlags(payload, flags));
    return { request, warnings: [...warnings, ...droppedExclusions(payload, request, flags)] };
  } catch (error) {
    throw error instanceof InvalidRequestError ? problemsError(error.problems, flags, document) : error;
  }
}

/**
 * An error with one line per problem, which gives the problem's location in the document or the flag that caused it.
 */
function problemsError(
  problems: readonly Problem[],
  flags: readonly Flag[],
  document: SourceDocument | undefined,
): InvalidDocumentError {
  const { ofFlags = [], others = [] } = Object.groupBy(problems, (problem) =>
    flagBehind(problem, flags) ? 'ofFlags' : 'others',
  );
  const lines = ofFlags.map((problem) => problemOfFlag(flagBehind(problem, flags) as Flag, problem));
  if (others.length > 0)
    lines.push(
      document ? documentError(document, others).message : others.map(({ message }) => message).join('\n'),
    );
  return new InvalidDocumentError(lines.join('\n'));
}

async function documentOf(name: string, io: Io): Promise<SourceDocument> {
  if (name.trimStart().startsWith('{')) return readDocument(name, '-p');
  const source = name === '-' ? 'standard input' : name;
  const text = name === '-' ? await readInput(io) : await readNamed(name);
  if (text.trim() === '')
    throw new InvalidDocumentError(`${source} is empty: expected a request such as {"idleFor": "48h"}`);
  return readDocument(text, source);
}

/** The text of a file named on the command line. */
export async function readNamed(name: string): Promise<string> {
  try {
    return decodeText(await readFile(name));
  } catch (error) {
    throw new InvalidDocumentError(`${name} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

export async function readInput({ stdin }: Io): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of stdin) parts.push(Buffer.from(part as Uint8Array | string));
  } catch (error) {
    throw new InvalidDocumentError(`standard input cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return decodeText(Buffer.concat(parts));
}
