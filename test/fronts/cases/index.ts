/** @module All cases, in the order of the page `docs/fronts-and-clusters.md`. */
import type { FrontGroup } from '../front-case.ts';
import { addresses } from './addresses.ts';
import { answers } from './answers.ts';

export const frontGroups: readonly FrontGroup[] = [answers, addresses];
