/**
 * @module Explains failures caused by the network route to a cluster: a proxy, or the VPC of a function. Loaded only if
 * a proxy or a VPC is configured.
 */
import { type HttpProxy, wayTo } from '../base/way-out.ts';
import { agentThrough } from './client/tunnel.ts';
import type { Route } from './connection.ts';
import type { LostCause } from './failure.ts';

interface Explained {
  readonly cause: string;
  readonly advice: string;
}

/**
 * The route to the cluster at `url`. `setting` is the name of the setting that holds this URL.
 * @throws {InvalidSettingError} if the proxy's setting is invalid.
 */
export function routeOf(
  url: URL,
  setting: string,
  environment: Readonly<Record<string, string | undefined>>,
): Route {
  const way = wayTo(url, environment);
  const target: Target = {
    host: `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`,
    setting,
  };
  const { proxy } = way;
  return {
    ...way,
    through: proxy ? ` (through the proxy ${proxy.shown})` : '',
    clientAgent: proxy && (({ tls }) => agentThrough(proxy, url, tls as object | undefined)),
    explain(cause, reason) {
      const known = cause as LostCause;
      if (way.proxy) return throughProxy(way.proxy, target, known, reason);
      return way.vpc === undefined ? undefined : inVpc(way.vpc, target, known);
    },
  };
}

interface Target {
  /** `host:port` */
  readonly host: string;
  /** The name of the setting that holds this address. */
  readonly setting: string;
}

function throughProxy(
  proxy: HttpProxy,
  target: Target,
  cause: LostCause,
  reason: string,
): Explained | undefined {
  const { setting } = proxy;
  const [, status] = /establish tunnel .*: HTTP\S+ (\d{3})/.exec(reason) ?? [];
  if (status !== undefined) return refusedTunnel(proxy, target, Number(status));
  switch (cause) {
    case 'host':
    case 'lookup':
      return { cause: 'the host name of the proxy cannot be looked up', advice: `Check ${setting}.` };
    case 'refused':
      return {
        cause: 'nothing listens at the address of the proxy',
        advice: `Check ${setting}, and that the proxy is up.`,
      };
    case 'no_route':
      return {
        cause: 'there is no route to the proxy',
        advice: `Check ${setting}, and the network of this machine: subnets, routes, VPN.`,
      };
    case 'no_connection':
    case 'silent':
      return {
        cause:
          cause === 'silent' ? 'no answer comes through the proxy' : 'the proxy opens no connection to it',
        advice: `Check that ${setting} is the address of a proxy, that the proxy is up, and that it reaches ${target.host}.`,
      };
    case 'closed':
    case 'other':
      return {
        cause: /tunnel ended/.test(reason)
          ? 'the proxy closed the connection'
          : 'the connection through the proxy failed',
        advice: `Check that ${setting} is the address of a proxy, and its log for ${target.host}.`,
      };
    case 'certificate':
      return {
        cause: 'its certificate is not trusted',
        advice:
          'Set ELASTICSEARCH_CA_CERT to the certificate of the authority that signed it: if the proxy inspects TLS, that is the authority of the proxy.',
      };
    case 'not_tls':
      return proxy.href.startsWith('https:')
        ? {
            cause: 'the proxy or the cluster does not speak TLS',
            advice: `Most proxies have an address that begins with http://, and ${setting} begins with https://.`,
          }
        : undefined;
    default:
      return undefined;
  }
}

function refusedTunnel(
  { setting, secrets }: HttpProxy,
  { host, setting: address }: Target,
  status: number,
): Explained {
  if (status === 407)
    return secrets.length > 0
      ? {
          cause: `the proxy refuses the user or password in ${setting}`,
          advice: `Correct them; / ? # @ : and % in them need percent-encoding.`,
        }
      : {
          cause: 'the proxy requires a user and a password',
          advice: `Add them to ${setting}, as in http://USER:PASSWORD@HOST:PORT.`,
        };
  if (status < 500)
    return {
      cause: 'the proxy refuses to connect to it',
      advice: `Let the proxy allow ${host}, or add the host to NO_PROXY if it can be reached directly.`,
    };
  return {
    cause: 'the proxy cannot reach it',
    advice: `Check ${address}, and that the proxy can look up and reach ${host}.`,
  };
}

function inVpc(vpc: string, { host, setting }: Target, cause: LostCause): Explained | undefined {
  const where = `The function is in a VPC (${vpc})`;
  switch (cause) {
    case 'host':
    case 'lookup':
      return {
        cause: 'its host name is not known in the VPC',
        advice: `${where}: check ${setting}, that the private hosted zone of the name is associated with this VPC, and that enableDnsSupport is on.`,
      };
    case 'no_route':
    case 'no_connection':
      return {
        cause: cause === 'no_route' ? 'there is no route to it' : 'it accepts no connection',
        advice: `${where}: its security group must let ${host} out, that of the cluster must let it in, and the subnets need a route: for a cluster outside of the VPC a NAT gateway, peering or PrivateLink.`,
      };
    default:
      return undefined;
  }
}
