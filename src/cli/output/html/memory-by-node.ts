/** @module The model memory of each node before and after a sweep. */
import type { Mark, Spec } from 'vega';
import { plural, printable } from '../../../base/text.ts';
import { bytes } from '../../../base/words.ts';
import type { Picture } from '../cluster-picture.ts';
import { type Chart, ink } from './chart.ts';

/** Maximum number of nodes in the chart; the rest become one bar. */
const mostNodes = 16;

/** The label for failed jobs and jobs that wait for a node. */
const nowhere = 'no node';

interface NodeMemory {
  readonly node: string;
  readonly now: number;
  readonly after: number;
  readonly jobs: number;
}

/** `freed` has the ids of the jobs that were closed (if `done`), or that a plan would close. */
export function memoryByNode({ jobs }: Picture, freed: ReadonlySet<string>, done: boolean): Chart {
  const nodes = nodesOf(jobs, freed);
  const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
  const now = sum(nodes.map((each) => each.now));
  const after = sum(nodes.map((each) => each.after));
  return {
    title: 'Model memory by node',
    summary: `${bytes(now)} on ${plural(nodes.filter(({ node }) => node !== nowhere).length, 'node')} ${done ? 'before the sweep, and' : 'now, and'} ${bytes(after)} after${done ? '' : ' a sweep'}: ${bytes(now - after)} ${done ? 'were' : 'would be'} freed.`,
    legend: [
      [ink.kept, done ? 'before' : 'now'],
      [ink.close, 'after'],
    ],
    draw: (width) => draw(folded(nodes), done, width),
    table: {
      titles: ['Node', 'Open jobs', done ? 'Before' : 'Now', 'After', 'Freed'],
      rows: nodes.map((each) => [
        each.node,
        String(each.jobs),
        bytes(each.now),
        bytes(each.after),
        bytes(each.now - each.after),
      ]),
    },
  };
}

function nodesOf(jobs: Picture['jobs'], freed: ReadonlySet<string>): NodeMemory[] {
  return [...Map.groupBy(jobs, ({ node }) => node ?? nowhere)]
    .map(([node, own]) => ({
      node: printable(node),
      jobs: own.length,
      now: own.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
      after: own
        .filter(({ jobId }) => !freed.has(jobId))
        .reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    }))
    .sort((a, b) => b.now - a.now || (a.node < b.node ? -1 : 1));
}

function folded(nodes: readonly NodeMemory[]): readonly NodeMemory[] {
  if (nodes.length <= mostNodes) return nodes;
  const rest = nodes.slice(mostNodes - 1);
  const total = (field: 'now' | 'after' | 'jobs') => rest.reduce((sum, each) => sum + each[field], 0);
  return [
    ...nodes.slice(0, mostNodes - 1),
    { node: `${rest.length} more nodes`, now: total('now'), after: total('after'), jobs: total('jobs') },
  ];
}

function draw(nodes: readonly NodeMemory[], done: boolean, width: number): Spec {
  const rowHeight = 44;
  const left = Math.min(width * 0.3, 24 + 9.8 * Math.max(...nodes.map(({ node }) => node.length), 4));
  return {
    width: width - left - 130,
    height: Math.max(1, nodes.length) * rowHeight,
    padding: { left, right: 130, top: 4, bottom: 4 },
    autosize: 'none',
    data: [
      {
        name: 'nodes',
        values: nodes.map((each) => ({
          ...each,
          nowText: `${bytes(each.now)} ${done ? 'before' : 'now'}`,
          afterText: `${bytes(each.after)} after`,
        })),
      },
    ],
    scales: [
      { name: 'x', type: 'linear', domain: [0, Math.max(1, ...nodes.map(({ now }) => now))], range: 'width' },
      { name: 'y', type: 'band', domain: nodes.map(({ node }) => node), range: 'height' },
    ],
    marks: [
      nodeName(rowHeight, left),
      bar('now', 4, ink.kept),
      bar('after', 22, ink.close),
      label('now', 4),
      label('after', 22),
    ],
  };
}

const text = {
  font: { value: 'system-ui, sans-serif' },
  fontSize: { value: 12 },
  baseline: { value: 'middle' },
} as const;

const bar = (field: 'now' | 'after', offset: number, fill: string) => ({
  type: 'rect' as const,
  from: { data: 'nodes' },
  encode: {
    enter: {
      x: { value: 0 },
      x2: { scale: 'x', field },
      y: { scale: 'y', field: 'node', offset },
      height: { value: 16 },
      fill: { value: fill },
    },
  },
});

const label = (field: 'now' | 'after', offset: number) => ({
  type: 'text' as const,
  from: { data: 'nodes' },
  encode: {
    enter: {
      ...text,
      x: { scale: 'x', field, offset: 6 },
      y: { scale: 'y', field: 'node', offset: offset + 8 },
      text: { field: `${field}Text` },
      fill: { value: ink.faint },
    },
  },
});

const nodeName = (rowHeight: number, left: number): Mark => ({
  type: 'text',
  from: { data: 'nodes' },
  encode: {
    enter: {
      ...text,
      x: { value: -10 },
      y: { scale: 'y', field: 'node', offset: rowHeight / 2 - 2 },
      align: { value: 'right' },
      limit: { value: left - 14 },
      text: { field: 'node' },
      fill: { value: ink.text },
    },
  },
});
