/** @module Checks that no credentials appear in a program's output. */
import { inspect } from 'node:util';
import { expect } from 'vitest';

/** Every text that a logger, a terminal or a debugger makes of a value, including the stacks and causes of errors. */
export function everythingShownOf(value: unknown): string {
  const texts = [
    inspect(value, {
      depth: Number.POSITIVE_INFINITY,
      showHidden: true,
      maxStringLength: null,
      getters: true,
    }),
    JSON.stringify(value) ?? '',
    String(value),
  ];
  for (let error = value; error instanceof Error; error = error.cause)
    texts.push(error.message, error.stack ?? '', JSON.stringify(error, Object.getOwnPropertyNames(error)));
  return texts.join('\n');
}

/** Fails if any form of `value` contains one of `secrets`. */
export function expectNoSecret(value: unknown, secrets: readonly string[]): void {
  const shown = everythingShownOf(value);
  for (const secret of secrets) expect(shown.includes(secret), `${secret} in:\n${shown}`).toBe(false);
  expect(shown).not.toMatch(/authorization/i);
}
