/** @module Tests the lines of the text report about limits on concurrent closes: each node's limit and the reason. */
import { expect, it } from 'vitest';
import { placesLines, placesText } from '../../../src/cli/output/places.ts';
import type { ReportedPlaces, SweepReport } from '../../../src/sweep/reporting/report.ts';

const linesOf = (places?: readonly ReportedPlaces[]) => placesLines({ places } as SweepReport);
const on = (nodeId: string, changes: Partial<ReportedPlaces> = {}): ReportedPlaces => ({
  nodeId,
  places: 8,
  because: 'own_node',
  processors: 16,
  ...changes,
});

it('the report has no line about limits on concurrent closes if no node had a limit', () => {
  expect(linesOf()).toEqual([]);
});

it('the report shows the name of a node, or the node’s id if it has no name', () => {
  expect(linesOf([on('x', { nodeName: 'ml-0' }), on('y', { places: 1, processors: 2 })])).toEqual([
    'at most 8 closes at once on ml-0: half of its 16 processors',
    'at most 1 close at once on y: half of its 2 processors',
  ]);
});

it('the report has one line for all nodes with the same limit on concurrent closes; it names four nodes and counts the rest', () => {
  expect(linesOf(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => on(id)))).toEqual([
    'at most 8 closes at once on each of a, b, c, d and 2 more: half of its 16 processors',
  ]);
  expect(linesOf(['a', 'b', 'c', 'd'].map((id) => on(id)))).toEqual([
    'at most 8 closes at once on each of a, b, c, d: half of its 16 processors',
  ]);
});

it.each([
  [{ places: 3, because: 'request' }, 'at most 3 closes at once on its node: close.perNode says so'],
  [
    { places: Number.POSITIVE_INFINITY, because: 'request' },
    'any number of closes at once on its node: close.perNode is null',
  ],
  [
    { places: 2, because: 'largest_node', processors: 4 },
    'at most 2 closes at once on its node: half of the 4 processors of the cluster’s largest node, as its own are unknown',
  ],
  [
    { places: 4, because: 'unknown' },
    'at most 4 closes at once on its node: the usual number, as its processors are unknown',
  ],
] as const)('the report gives the reason for a node’s limit on concurrent closes: %o', (limit, text) => {
  expect(placesText(limit, 'its node')).toBe(text);
});
