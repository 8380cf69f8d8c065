/**
 * @module All deliberate breaks of the source, and the names of all properties. Each property needs at least one break.
 */
import { badInputs } from '../bad-input/index.ts';
import { properties } from '../properties.ts';
import { badInputBreaks } from './bad-input.ts';
import { breaks as worldBreaks } from './list.ts';

export const breaks = [...worldBreaks, ...badInputBreaks];
export const breakable: readonly string[] = [...properties, ...badInputs].map(({ name }) => name);
