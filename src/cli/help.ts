/** @module Examples in the help of a command. */
import type { Command } from 'commander';

/** Adds examples to the end of the help, each with a description of what it does. */
export function withExamples(command: Command, examples: readonly (readonly [string, string])[]): Command {
  const lines = examples.map(([line, what]) => `  ${line}\n      ${what}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
