/** @module Valid reports of earlier sweeps, in the formats in which the command and the function write them. */
import * as fc from 'fast-check';
import { isObject, type Json, type JsonObject, withoutComments } from './json.ts';

export const startedAt = '2026-11-22T02:00:00.000Z';

/** A report of `jobsweep sweep -o json` with the given jobs. */
export function reportOf(clusterId: string, jobs: readonly Json[], changes: JsonObject = {}): JsonObject {
  const outcomes = jobs.map((job) => (isObject(job) ? job.outcome : ''));
  const count = (outcome: string) => outcomes.filter((each) => each === outcome).length;
  return {
    sweepId: 'sweep-1',
    cluster: { name: 'default', id: clusterId, version: '9.2.1' },
    dryRun: false,
    status: 'done',
    startedAt,
    durationMs: 61_000,
    counts: {
      open: 9,
      listed: 9,
      closed: count('closed'),
      forceClosed: count('force_closed'),
      kept: count('kept'),
    },
    kept: { protected: 1 },
    freedBytes: 1_000,
    jobs,
    fuse: null,
    followUp: null,
    warnings: [],
    ...changes,
  };
}

export const reportedJob = (jobId: string, outcome: string, changes: JsonObject = {}): JsonObject => ({
  jobId,
  state: 'opened',
  lastActivity: '2026-11-17T12:00:00.000Z',
  idleMs: 432_000_000,
  verdict: outcome === 'kept' ? 'keep' : 'close',
  reason: outcome === 'kept' ? 'protected' : 'idle',
  outcome,
  attempts: outcome === 'kept' ? 0 : 1,
  nodeId: 'node-1',
  ...changes,
});

export type ReportForm = 'json' | 'pretty' | 'ndjson' | 'tail' | 'events' | 'list';
export const reportForms: readonly ReportForm[] = ['json', 'pretty', 'ndjson', 'tail', 'events', 'list'];
export const anyReportForm: fc.Arbitrary<ReportForm> = fc.constantFrom(...reportForms);

/**
 * A report in one of these formats: the output of the command, the log of the function, or that log as `aws logs`
 * prints it.
 */
export function writeReport(report: Json, form: ReportForm, text: (value: Json) => string): string {
  if (form === 'json') return text(report);
  if (form === 'pretty')
    return text(report)
      .replace(/"jobs":\[/, '"jobs": [\n  ')
      .replaceAll('},{', '},\n  {');
  if (form === 'list') return text([report, 'not a report', null]);
  const lines = linesOf(report);
  if (form === 'events')
    return text({ events: lines.map((line) => ({ message: text(line), timestamp: 1 })) });
  const prefix = form === 'tail' ? '2026-11-22T02:01:01 2026/11/22/[$LATEST]0af ' : '';
  return `${lines.map((line) => prefix + text(line)).join('\n')}\n`;
}

function linesOf(report: Json): Json[] {
  if (!isObject(report)) return [report];
  const { jobs, ...rest } = report;
  const { sweepId = null, cluster = null, startedAt: at = null } = rest;
  const list = Array.isArray(jobs) ? jobs : [];
  return [
    ...list.map((job) => ({
      message: 'job swept',
      sweepId,
      cluster,
      startedAt: at,
      ...(isObject(job) ? job : { job }),
    })),
    { message: 'sweep finished', ...rest },
  ];
}

/** The parts of a line from an opening brace to the matching one, outside of strings. */
function bracedIn(line: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of line.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g))
    if (token === '{') {
      if (depth === 0) start = index;
      depth += 1;
    } else if (token === '}' && depth > 0) {
      depth -= 1;
      if (depth === 0) parts.push(line.slice(start, index + 1));
    }
  return parts;
}

/**
 * Finds every object in a text, at any depth. The text may be JSON, or lines that contain JSON. If a line is damaged, its
 * undamaged objects are found. Strings inside the JSON may contain JSON again.
 */
export function objectsIn(text: string): JsonObject[] {
  const found: JsonObject[] = [];
  const todo: Json[] = [];
  const read = (piece: string): boolean => {
    try {
      todo.push(JSON.parse(withoutComments(piece.replace(/^\ufeff/, ''))) as Json);
      return true;
    } catch {
      return false;
    }
  };
  if (!read(text))
    for (const line of text.split('\n'))
      if (line.includes('{') && !read(line.slice(line.indexOf('{')))) bracedIn(line).forEach(read);
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'string' && /^[[{]/.test(next)) read(next);
    if (typeof next !== 'object' || next === null) continue;
    if (isObject(next)) found.push(next);
    todo.push(...(Object.values(next) as Json[]));
  }
  return found;
}
