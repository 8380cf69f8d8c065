/** @module The options of the proof's commands: whole numbers, or an error that names the option. */
import { Command, InvalidArgumentError, Option } from 'commander';

/** `call`: how it is called, options aside; `purpose` is the first thing that its `--help` says. */
export const proofCommand = (call: string, purpose: string): Command =>
  new Command(call).usage('[options]').description(purpose).allowExcessArguments(false);

export const seedOption = (usual?: number): Option =>
  new Option('--seed <number>', 'the seed of all that is random')
    .argParser(wholeNumber)
    .default(
      usual ?? Math.trunc(Math.random() * 2 ** 31),
      usual === undefined ? 'another one each time' : undefined,
    );

export const pathOption = (): Option =>
  new Option('--path <path>', 'only the case at this path, which a failure told together with its seed');

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
