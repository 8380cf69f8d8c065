/** @module What the commands of the proof are told: whole numbers, or an error that names the option. */
import { Command, InvalidArgumentError } from 'commander';

/** `call`: how it is called, options aside; `purpose` is the first thing that its `--help` says. */
export const proofCommand = (call: string, purpose: string): Command =>
  new Command(call).usage('[options]').description(purpose).allowExcessArguments(false);

export function wholeNumber(text: string): number {
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

export const anySeed = (): number => Math.trunc(Math.random() * 2 ** 31);
