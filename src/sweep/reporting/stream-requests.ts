/** @module The requests that prepare Elasticsearch for reports, for an administrator to copy: key, template, retention. */
import { jobFields, type StreamField, sweepFields } from './stream-fields.ts';
import { nested, streamPattern, writePrivileges } from './stream-names.ts';

export const retention = '90d';

/** One request for Kibana's console. */
export interface ConsoleRequest {
  readonly title: string;
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: object;
}

/** Texts with more characters than this are stored but not indexed. */
const maxIndexed = 1024;

function mappingOf({ type }: StreamField): object {
  return type === 'keyword' ? { type, ignore_above: maxIndexed } : { type };
}

/** Converts nested fields to mappings: `{"a.b": mapping}` becomes `{"a": {"properties": {"b": mapping}}}`. */
function properties(tree: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => {
      const isLeaf = typeof (value as { type?: unknown }).type === 'string';
      return [name, isLeaf ? value : { properties: properties(value as Record<string, unknown>) }];
    }),
  );
}

/** The mappings of both data streams. One template serves both, because shared fields have the same type. */
export function streamMappings(): object {
  const flat = Object.entries({ ...sweepFields, ...jobFields }).map(([name, field]) => [
    name,
    mappingOf(field),
  ]);
  return {
    dynamic_templates: [
      // For fields that a later version of jobsweep adds.
      {
        strings: {
          match_mapping_type: 'string',
          mapping: { type: 'keyword', ignore_above: maxIndexed },
        },
      },
    ],
    date_detection: false,
    properties: properties(nested(Object.fromEntries(flat))),
  };
}

/** How a version of Elasticsearch deletes old documents: by the data stream's lifecycle, or by an ILM policy. */
type RetentionKind = 'lifecycle' | 'ilm';

/** Data stream lifecycles exist from 8.11 on, and serverless supports nothing else. */
function retentionKindOf(version: string | undefined): RetentionKind {
  if (version === undefined) return 'lifecycle';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 8 || (major === 8 && minor >= 11) ? 'lifecycle' : 'ilm';
}

function templateRequest(kind: RetentionKind): ConsoleRequest {
  return {
    title: 'The index template of both data streams. It replaces the built-in template for logs.',
    method: 'PUT',
    path: '/_index_template/logs-jobsweep',
    body: {
      index_patterns: [streamPattern],
      data_stream: {},
      // The template with the highest priority applies. Built-in templates have 100 or less, those of integrations 200.
      priority: 300,
      template: {
        ...(kind === 'ilm' && { settings: { 'index.lifecycle.name': 'jobsweep' } }),
        mappings: streamMappings(),
        ...(kind === 'lifecycle' && { lifecycle: { data_retention: retention } }),
      },
    },
  };
}

function retentionRequest(kind: RetentionKind): ConsoleRequest {
  return kind === 'lifecycle'
    ? {
        title: `The retention of data streams that exist already; the template sets that of new ones. ${retention} is a suggestion.`,
        method: 'PUT',
        path: `/_data_stream/${streamPattern}/_lifecycle`,
        body: { data_retention: retention },
      }
    : {
        title: `The retention, as a policy that the template names. ${retention} is a suggestion. Create it before the template.`,
        method: 'PUT',
        path: '/_ilm/policy/jobsweep',
        body: {
          policy: {
            phases: {
              hot: { actions: { rollover: { max_age: '30d', max_primary_shard_size: '10gb' } } },
              delete: { min_age: retention, actions: { delete: {} } },
            },
          },
        },
      };
}

function keyRequest(): ConsoleRequest {
  return {
    title:
      'A key that may add reports and nothing else. The privilege read is for advise and explain --history.',
    method: 'POST',
    path: '/_security/api_key',
    body: {
      name: 'jobsweep-reports',
      role_descriptors: {
        'jobsweep-reports': {
          cluster: [],
          indices: [{ names: [streamPattern], privileges: [...writePrivileges, 'read'] }],
        },
      },
      metadata: { application: 'jobsweep' },
    },
  };
}

/** All requests, in the order in which they are to be sent. */
export function preparation(version: string | undefined): ConsoleRequest[] {
  const kind = retentionKindOf(version);
  const [template, retained] = [templateRequest(kind), retentionRequest(kind)];
  return [...(kind === 'ilm' ? [retained, template] : [template, retained]), keyRequest()];
}

/** Writes requests as text to paste into Kibana's console. */
export const consoleText = (requests: readonly ConsoleRequest[]): string =>
  requests
    .map(
      ({ title, method, path, body }) => `# ${title}\n${method} ${path}\n${JSON.stringify(body, null, 2)}\n`,
    )
    .join('\n');
