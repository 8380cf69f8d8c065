/** @module Renders an answer, or the error that a handler threw, as status, headers and body of a response. */
import type { IncomingHttpHeaders } from 'node:http';
import { stringify } from 'yaml';
import { ElasticsearchError } from '../errors.ts';
import type { Answer } from './call.ts';
import { compileFilterPath } from './filter-path.ts';
import { PlainError } from './media-type.ts';
import type { Query } from './query.ts';

export interface Rendered {
  readonly status: number;
  readonly headers: Record<string, string | readonly string[]>;
  readonly body: string;
}

export interface RenderOptions {
  readonly major: 7 | 8 | 9;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
}

export function render(answer: Answer, options: RenderOptions): Rendered {
  const { status = 200, text, headers = {} } = answer;
  if (text !== undefined)
    return { status, headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers }, body: text };
  if (answer.body === undefined) return { status, headers: { ...headers }, body: '' };
  const filter = compileFilterPath(options.query.text('filter_path'));
  const value = filter ? filter(answer.body) : answer.body;
  if (wantsYaml(options))
    return {
      status,
      headers: { 'content-type': 'application/yaml', ...headers },
      body: `---\n${stringify(value)}`,
    };
  const pretty = options.query.has('pretty') && options.query.flag('pretty', false);
  const body = pretty ? `${JSON.stringify(value, null, 2)}\n` : JSON.stringify(value);
  return { status, headers: { 'content-type': jsonType(options), ...headers }, body };
}

/** The response for an error that a handler threw; undefined if the error is a bug in the simulator. */
export function renderError(error: unknown, options: RenderOptions): Rendered | undefined {
  if (error instanceof PlainError)
    return render({ status: error.status, body: error.body(), headers: error.headers }, options);
  if (!(error instanceof ElasticsearchError)) return undefined;
  const trace = options.query.has('error_trace') && options.query.text('error_trace') !== 'false';
  const rendered = render({ status: error.status, body: error.body(trace) }, options);
  for (const [name, value] of Object.entries(error.details.header ?? {})) rendered.headers[name] = value;
  return rendered;
}

function wantsYaml({ query, headers }: RenderOptions): boolean {
  const format = query.text('format');
  return format === undefined ? (headers.accept ?? '').startsWith('application/yaml') : format === 'yaml';
}

function jsonType({ major, headers }: RenderOptions): string {
  const accept = headers.accept ?? '';
  const vendored = /^application\/vnd\.elasticsearch\+json\s*;\s*compatible-with\s*=\s*(\d)/i.exec(accept);
  if (vendored) return `application/vnd.elasticsearch+json;compatible-with=${vendored[1]}`;
  return major === 7 ? 'application/json; charset=UTF-8' : 'application/json';
}
