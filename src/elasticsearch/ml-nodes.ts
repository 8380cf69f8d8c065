/**
 * @module Reads the memory of the machine learning nodes with `GET _ml/memory/_stats`, which exists since 8.2, but not
 * on serverless.
 */

import type { Clock } from '../base/clock.ts';
import { isJsonObject } from '../base/json.ts';
import type { MeasuredNode } from '../sweep/reporting/ml-nodes.ts';
import type { Connection } from './connection.ts';
import { Wire } from './wire.ts';

/** Timeout in milliseconds. It is short, because the memory adds only one sentence to the report of a plan. */
const longestRead = 5_000;

const fields = ['_nodes.failed', 'nodes.*.roles', 'nodes.*.mem.ml', 'nodes.*.jvm.java_inference_in_bytes'];

/**
 * The nodes with memory for machine learning; undefined if the memory of any node is unknown. A plan works without the
 * result.
 */
export async function readMlNodes(
  connection: Connection,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly MeasuredNode[] | undefined> {
  using limit = clock.limit(longestRead);
  const wire = new Wire(connection);
  try {
    const answer = await wire.ask(
      { method: 'GET', path: '/_ml/memory/_stats', query: { filter_path: fields.join(',') } },
      AbortSignal.any([signal, limit.signal]),
    );
    return 'body' in answer ? nodesIn(answer.body) : undefined;
  } finally {
    await wire.close();
  }
}

function nodesIn(body: unknown): readonly MeasuredNode[] | undefined {
  const { _nodes: header, nodes } = isJsonObject(body) ? body : {};
  // If a node did not answer, its memory is unknown: it could be full.
  if (!isJsonObject(header) || header.failed !== 0 || !isJsonObject(nodes)) return undefined;
  const all = Object.values(nodes).map(nodeOf);
  const known = all.filter((node) => node !== undefined);
  return known.length === all.length ? known.filter(({ maxBytes }) => maxBytes > 0) : undefined;
}

function nodeOf(node: unknown): MeasuredNode | undefined {
  const { roles, mem, jvm } = isJsonObject(node) ? node : {};
  const ml = isJsonObject(mem) && isJsonObject(mem.ml) ? mem.ml : {};
  const sizes = [ml.max_in_bytes, ml.anomaly_detectors_in_bytes].filter((size) => typeof size === 'number');
  const others = [
    ml.data_frame_analytics_in_bytes,
    ml.native_inference_in_bytes,
    isJsonObject(jvm) ? jvm.java_inference_in_bytes : undefined,
  ];
  const [maxBytes, jobBytes] = sizes;
  if (maxBytes === undefined || jobBytes === undefined || !Array.isArray(roles)) return undefined;
  const isShared = others.some((bytes) => bytes !== 0) || roles.some((role) => !ownRoles.has(String(role)));
  return { maxBytes, jobBytes, isShared };
}

/** The roles of a node that serves only machine learning. */
const ownRoles: ReadonlySet<string> = new Set(['ml', 'remote_cluster_client']);
