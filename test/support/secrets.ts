/** @module That a credential is nowhere in what a program shows, however deep somebody looks. */
import { inspect } from 'node:util';
import { expect } from 'vitest';

/** Every text that a logger, a terminal or a debugger makes of a value, errors with their stack and causes included. */
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

/** Fails when any of `secrets` is to be found in any form of `value`. */
export function expectNoSecret(value: unknown, secrets: readonly string[]): void {
  const shown = everythingShownOf(value);
  for (const secret of secrets) expect(shown.includes(secret), `${secret} in:\n${shown}`).toBe(false);
  expect(shown).not.toMatch(/authorization/i);
}
