import { expect, it } from 'vitest';
import { didYouMean, knownFieldsHint } from '../../src/base/did-you-mean.ts';

it.each([
  ['idelFor', 'idleFor'],
  ['IDLEFOR', 'idleFor'],
  ['idleForHours', 'idleFor'],
])('suggests for %s the name %s', (name, known) => {
  expect(didYouMean(name, ['jobs', known])).toBe(known);
});

it('suggests nothing for a name that resembles none, or without names', () => {
  expect(didYouMean('qqqqqqqqq', ['jobs', 'idleFor'])).toBeUndefined();
  expect(didYouMean('idleFor', [])).toBeUndefined();
});

it('lists the known fields, after the likely one if there is one', () => {
  expect(knownFieldsHint('jbos', ['jobs', 'seed'])).toBe('did you mean jobs? (jobs, seed)');
  expect(knownFieldsHint('qqqqqqqqq', ['jobs', 'seed'])).toBe('the fields here are jobs, seed');
});
