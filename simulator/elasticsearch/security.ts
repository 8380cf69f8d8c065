/** @module Users, API keys, cluster privileges, and the errors if a privilege is missing (docs/elasticsearch.md §4). */
import type { IncomingHttpHeaders } from 'node:http';
import { ElasticsearchError } from './errors.ts';
import { wildcard } from './state/expressions.ts';

/** The cluster privilege that an endpoint needs; `none` admits every authenticated user. */
export type Privilege = 'none' | 'monitor' | 'manage' | 'monitor_ml' | 'manage_ml' | 'index';

export interface User {
  readonly username: string;
  readonly password: string;
  readonly roles: readonly string[];
  /** Cluster privileges with the names that roles use. */
  readonly cluster: readonly string[];
  readonly index?: readonly IndexGrant[] | undefined;
}

/** Index privileges with the names that roles use. They apply to data streams only. */
export interface IndexGrant {
  readonly names: readonly string[];
  readonly privileges: readonly string[];
}

export interface ApiKey {
  readonly id: string;
  readonly key: string;
  /** The owner, whose privileges limit the key's privileges. */
  readonly owner: string;
  readonly cluster: readonly string[];
  readonly index?: readonly IndexGrant[] | undefined;
  readonly expired?: boolean | undefined;
}

export interface Principal {
  readonly username: string;
  readonly roles: readonly string[];
  readonly cluster: readonly string[];
  readonly index?: readonly IndexGrant[] | undefined;
  readonly apiKeyId?: string | undefined;
}

/** For each privilege, the privileges that include it, in the order in which a 403 lists them. */
const grantedBy: Record<string, readonly string[]> = {
  monitor_ml: ['monitor_ml', 'manage_ml', 'monitor', 'manage', 'all'],
  manage_ml: ['manage_ml', 'manage', 'all'],
  monitor: ['monitor', 'manage', 'all'],
  manage: ['manage', 'all'],
  all: ['all'],
};

/** For each index privilege, the privileges that include it. */
const indexGrantedBy: Record<string, readonly string[]> = {
  auto_configure: ['auto_configure', 'create_index', 'manage', 'all'],
  create_doc: ['create_doc', 'create', 'index', 'write', 'all'],
  read: ['read', 'all'],
};

/** Privileges that have no effect here, but that `_has_privileges` accepts. */
const others = [
  'cross_cluster_replication cross_cluster_search manage_api_key manage_own_api_key manage_security read_security',
  'manage_index_templates manage_ingest_pipelines manage_pipeline manage_ilm read_ilm manage_slm read_slm',
  'manage_transform monitor_transform manage_watcher monitor_watcher manage_rollup monitor_rollup',
  'manage_data_frame_transforms monitor_data_frame_transforms transport_client none grant_api_key delegate_pki',
  'manage_ccr read_ccr manage_enrich monitor_enrich manage_saml manage_token manage_oidc manage_service_account',
  'create_snapshot monitor_snapshot manage_autoscaling manage_logstash_pipelines manage_user_profile monitor_text_structure',
]
  .join(' ')
  .split(' ');

export class Security {
  readonly users: readonly User[];
  readonly apiKeys: readonly ApiKey[];

  constructor(users: readonly User[] = [], apiKeys: readonly ApiKey[] = []) {
    this.users = users;
    this.apiKeys = apiKeys;
  }

  /** Security is off if the fleet has neither users nor keys. */
  get enabled(): boolean {
    return this.users.length > 0 || this.apiKeys.length > 0;
  }

  /** The principal that a request's headers authenticate. @throws 401 if credentials are missing or wrong */
  authenticate({ authorization }: IncomingHttpHeaders, uri: string): Principal | undefined {
    if (!this.enabled) return undefined;
    if (authorization === undefined)
      throw unauthorized(`missing authentication credentials for REST request [${uri}]`);
    const [scheme = '', credentials = ''] = authorization.split(/\s+/, 2);
    const decoded = Buffer.from(credentials, 'base64').toString('utf8');
    const [name = '', ...rest] = decoded.split(':');
    const secret = rest.join(':');
    if (scheme.toLowerCase() === 'basic') {
      const user = this.users.find((entry) => entry.username === name && entry.password === secret);
      if (user) return user;
      throw unauthorized(`unable to authenticate user [${name}] for REST request [${uri}]`);
    }
    if (scheme.toLowerCase() === 'apikey') {
      const key = this.apiKeys.find((entry) => entry.id === name && entry.key === secret);
      if (key && !key.expired) return this.#principalOf(key);
    }
    throw unauthorized(
      'unable to authenticate with provided credentials and anonymous access is not allowed for this request',
    );
  }

  #principalOf(key: ApiKey): Principal {
    const owner = this.users.find((user) => user.username === key.owner);
    const cluster = owner ? key.cluster.filter((privilege) => holds(owner.cluster, privilege)) : key.cluster;
    return { username: key.owner, roles: owner?.roles ?? [], cluster, index: key.index, apiKeyId: key.id };
  }

  /** @throws 403 if `principal` lacks the privilege that `action` needs */
  authorize(principal: Principal | undefined, privilege: Privilege, action: string, major: number): void {
    if (!principal || privilege === 'none') return;
    if (privilege === 'index') {
      // privileges on plain indices are not simulated: every authenticated user may use these endpoints
      return;
    }
    if (holds(principal.cluster, privilege)) return;
    const who = principal.apiKeyId
      ? `API key id [${principal.apiKeyId}] of user [${principal.username}]`
      : `user [${principal.username}]${major >= 8 ? ` with effective roles [${principal.roles.join(',')}]` : ''}`;
    throw new ElasticsearchError(403, {
      type: 'security_exception',
      reason: `action [${action}] is unauthorized for ${who}, this action is granted by the cluster privileges [${(grantedBy[privilege] ?? []).join(',')}]`,
    });
  }

  /** Whether `principal` has a cluster privilege. Without security, every privilege is granted. */
  has(principal: Principal | undefined, privilege: string): boolean {
    return principal === undefined || holds(principal.cluster, privilege);
  }

  /**
   * Whether `principal` has a privilege on a data stream. A user with the cluster privilege `all` is a superuser, who
   * has every privilege.
   */
  hasOnIndex(principal: Principal | undefined, name: string, privilege: string): boolean {
    if (principal === undefined || (principal.apiKeyId === undefined && principal.cluster.includes('all')))
      return true;
    const grants = indexGrantedBy[privilege] ?? [privilege, 'all'];
    return (principal.index ?? []).some(
      ({ names, privileges }) =>
        names.some((pattern) => wildcard(pattern)(name)) &&
        privileges.some((owned) => grants.includes(owned)),
    );
  }

  indexDenied(
    principal: Principal | undefined,
    name: string,
    action: string,
    granting: string,
  ): ElasticsearchError {
    const who = principal?.apiKeyId
      ? `API key id [${principal.apiKeyId}] of user [${principal.username}]`
      : `user [${principal?.username}] with effective roles [${principal?.roles.join(',')}]`;
    return new ElasticsearchError(403, {
      type: 'security_exception',
      reason: `action [${action}] is unauthorized for ${who} on indices [${name}], this action is granted by the index privileges [${granting}]`,
    });
  }

  knows(privilege: string): boolean {
    return privilege in grantedBy || others.includes(privilege) || /^(cluster|indices):/.test(privilege);
  }

  get privileges(): readonly string[] {
    return [...Object.keys(grantedBy), ...others].sort();
  }
}

function holds(owned: readonly string[], privilege: string): boolean {
  const grants = grantedBy[privilege] ?? [privilege, 'all'];
  return grants.some((grant) => owned.includes(grant));
}

function unauthorized(reason: string): ElasticsearchError {
  return new ElasticsearchError(401, {
    type: 'security_exception',
    reason,
    header: { 'WWW-Authenticate': ['Basic realm="security", charset="UTF-8"', 'ApiKey'] },
  });
}
