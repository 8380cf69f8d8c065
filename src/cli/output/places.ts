/** @module Describes how many jobs of a node may close at once, and why. */

import { plural } from '../../base/text.ts';
import type { NodeLimit } from '../../sweep/closing/ledger.ts';
import type { ReportedPlaces, SweepReport } from '../../sweep/reporting/report.ts';

/** `at most 8 closes at once on ml-0: half of its 16 processors` */
export function placesText({ places, because, processors }: NodeLimit, where: string): string {
  if (!Number.isFinite(places)) return `any number of closes at once on ${where}: close.perNode is null`;
  const why = {
    request: 'close.perNode says so',
    own_node: `half of its ${plural(processors ?? 0, 'processor')}`,
    largest_node: `half of the ${plural(processors ?? 0, 'processor')} of the cluster’s largest node, as its own are unknown`,
    unknown: 'the usual number, as its processors are unknown',
  };
  return `at most ${plural(places, 'close')} at once on ${where}: ${why[because]}`;
}

/** One line per limit, with its nodes. */
export function placesLines({ places = [] }: SweepReport): string[] {
  const byText = Map.groupBy(places, (each) => placesText(each, ''));
  return [...byText.values()].map((nodes) => placesText(nodes[0] as ReportedPlaces, nodesText(nodes)));
}

const maxNamed = 4;

function nodesText(nodes: readonly ReportedPlaces[]): string {
  const names = nodes.map(({ nodeName, nodeId }) => nodeName ?? nodeId);
  const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
  return `${names.length > 1 ? 'each of ' : ''}${names.slice(0, maxNamed).join(', ')}${more}`;
}
