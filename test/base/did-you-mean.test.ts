import { expect, it } from 'vitest';
import { didYouMean, knownFieldsHint } from '../../src/base/did-you-mean.ts';

it.each([
  ['idelFor', 'idleFor'],
  ['IDLEFOR', 'idleFor'],
  ['idleForHours', 'idleFor'],
])('the mistyped name %s leads to the suggestion %s', (name, known) => {
  expect(didYouMean(name, ['jobs', known])).toBe(known);
});

it('a name gets no suggestion if it resembles no known name, or if no names are known', () => {
  expect(didYouMean('qqqqqqqqq', ['jobs', 'idleFor'])).toBeUndefined();
  expect(didYouMean('idleFor', [])).toBeUndefined();
});

it('the hint for an unknown field lists all known fields, and suggests the most similar field if any is similar', () => {
  expect(knownFieldsHint('jbos', ['jobs', 'seed'])).toBe('did you mean jobs? (jobs, seed)');
  expect(knownFieldsHint('qqqqqqqqq', ['jobs', 'seed'])).toBe('the fields here are jobs, seed');
});
