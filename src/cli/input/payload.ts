/** @module The payload that `-p` names: a file, or `-` for standard input. */
import { readFile } from 'node:fs/promises';
import { InvalidRequestError } from '../../base/errors.ts';
import { decodeText } from '../../base/text-file.ts';
import { parseRequest, type ReadRequest } from '../../sweep/request/read-request.ts';
import type { Io } from '../io.ts';
import { documentError, InvalidDocumentError, readDocument } from './document.ts';

/** Reads and checks the payload; without a name the request is `{}`. Nothing of it reaches a cluster before it is valid. */
export async function readPayload(name: string | undefined, io: Io): Promise<ReadRequest> {
  if (name === undefined) return parseRequest({});
  const source = name === '-' ? 'standard input' : name;
  const text = name === '-' ? await readInput(io) : await readNamed(name);
  if (text.trim() === '')
    throw new InvalidDocumentError(`${source} is empty: expected a request, as {"idleFor": "48h"}`);
  const document = readDocument(text, source);
  try {
    return parseRequest(document.value);
  } catch (error) {
    throw error instanceof InvalidRequestError ? documentError(document, error.problems) : error;
  }
}

/** The text of a file that the person named. */
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
