/**
 * @module Endpoints about the caller's own user and privileges (docs/elasticsearch.md §4). They do not exist if the
 * fleet has no users.
 */
import { ElasticsearchError, illegalArgument, validation } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import { PlainError } from '../http/media-type.ts';
import type { ObjectParser } from '../http/object-parser.ts';

const parser: ObjectParser = {
  name: 'has_privileges_request',
  fields: { cluster: 'strings', index: 'any', application: 'any' },
};

export const securityRoutes: readonly Route[] = [
  route(
    'security.has_privileges',
    'GET POST',
    ['/_security/user/_has_privileges', '/_security/user/{user}/_has_privileges'],
    ['none', 'cluster:admin/xpack/security/user/has_privileges'],
    (call) => {
      requireSecurity(call);
      if (!call.body.present)
        throw new ElasticsearchError(400, { type: 'parse_exception', reason: 'request body is required' });
      const { cluster = [], index = [] } = call.body.read(parser) as {
        cluster?: string[];
        index?: { names?: string | string[]; privileges?: string | string[] }[];
      };
      if (cluster.length === 0 && index.length === 0)
        throw validation('Validation Failed: 1: must specify at least one privilege;');
      return () => hasPrivileges(call, cluster, index);
    },
  ),
  route(
    'security.authenticate',
    'GET',
    '/_security/_authenticate',
    ['none', 'cluster:admin/xpack/security/user/authenticate'],
    (call) => {
      requireSecurity(call);
      return () => {
        const { principal } = call;
        const realm = principal?.apiKeyId === undefined ? 'native' : '_es_api_key';
        return {
          body: {
            username: principal?.username,
            roles: principal?.apiKeyId === undefined ? principal?.roles : [],
            full_name: null,
            email: null,
            metadata: {},
            enabled: true,
            authentication_realm: { name: realm, type: realm },
            lookup_realm: { name: realm, type: realm },
            authentication_type: principal?.apiKeyId === undefined ? 'realm' : 'api_key',
            ...(principal?.apiKeyId !== undefined && { api_key: { id: principal.apiKeyId } }),
          },
        };
      };
    },
  ),
];

function requireSecurity({ context, path, method }: Call): void {
  if (!context.security.enabled)
    throw new PlainError(400, `no handler found for uri [${path}] and method [${method}]`, {
      withStatus: false,
    });
}

function hasPrivileges(
  { context: { security }, principal }: Call,
  cluster: readonly string[],
  index: readonly { names?: string | string[]; privileges?: string | string[] }[],
) {
  for (const privilege of cluster)
    if (!security.knows(privilege))
      throw illegalArgument(
        `unknown cluster privilege [${privilege}]. a privilege must be either one of the predefined cluster privilege names [${security.privileges.join(',')}] or a pattern over one of the available cluster actions`,
      );
  const answers = cluster.map((privilege) => [privilege, security.has(principal, privilege)] as const);
  const list = (value: string | string[] | undefined) =>
    typeof value === 'string' ? [value] : (value ?? []);
  const indices = index.flatMap(({ names, privileges }) =>
    list(names).map(
      (name) =>
        [
          name,
          Object.fromEntries(
            list(privileges).map((entry) => [entry, security.hasOnIndex(principal, name, entry)]),
          ),
        ] as const,
    ),
  );
  const hasIndices = indices.every(([, owned]) => Object.values(owned).every(Boolean));
  return {
    body: {
      username: principal?.username,
      has_all_requested: answers.every(([, has]) => has) && hasIndices,
      cluster: Object.fromEntries(answers),
      index: Object.fromEntries(indices),
      application: {},
    },
  };
}
