/** @module Command-line options shared by the proof's commands. */
import { Command, InvalidArgumentError, Option } from 'commander';

/** A command of the proof. `call` is how a user starts it, without options. `--help` prints `purpose`. */
export const proofCommand = (call: string, purpose: string): Command =>
  new Command(call).usage('[options]').description(purpose).allowExcessArguments(false);

export const seedOption = (usual?: number): Option =>
  new Option('--seed <number>', 'seed of all randomness')
    .argParser(wholeNumber)
    .default(usual ?? Math.trunc(Math.random() * 2 ** 31), usual === undefined ? 'random' : undefined);

export const pathOption = (): Option =>
  new Option(
    '--path <path>',
    'run only the case at this path, which a failure prints together with its seed',
  );

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('Expected a whole number.');
  return value;
}

export function atLeastOne(text: string): number {
  const value = wholeNumber(text);
  if (value < 1) throw new InvalidArgumentError('Expected a whole number, 1 or more.');
  return value;
}
