import { expect, it } from 'vitest';
import { didYouMean, knownFieldsHint } from '../../src/base/did-you-mean.ts';

it.each([
  ['idelFor', 'idleFor'],
  ['IDLEFOR', 'idleFor'],
  ['idleForHours', 'idleFor'],
])('for %s, the suggestion is the name %s', (name, known) => {
  expect(didYouMean(name, ['jobs', known])).toBe(known);
});

it('there is no suggestion for a name that resembles no known one, or without known names', () => {
  expect(didYouMean('qqqqqqqqq', ['jobs', 'idleFor'])).toBeUndefined();
  expect(didYouMean('idleFor', [])).toBeUndefined();
});

it('the hint lists all known fields, and first the likely one if there is one', () => {
  expect(knownFieldsHint('jbos', ['jobs', 'seed'])).toBe('did you mean jobs? (jobs, seed)');
  expect(knownFieldsHint('qqqqqqqqq', ['jobs', 'seed'])).toBe('the fields here are jobs, seed');
});
