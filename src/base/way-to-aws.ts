/** @module What to check if an AWS service cannot be reached: the proxy, the VPC, or the network. */
import { type WayOut, wayTo } from './way-out.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const services = {
  secretsmanager: { name: 'Secrets Manager', endpoint: 'AWS_ENDPOINT_URL_SECRETS_MANAGER' },
  scheduler: { name: 'EventBridge Scheduler', endpoint: 'AWS_ENDPOINT_URL_SCHEDULER' },
  ssm: { name: 'Parameter Store', endpoint: 'AWS_ENDPOINT_URL_SSM' },
  monitoring: { name: 'CloudWatch', endpoint: 'AWS_ENDPOINT_URL_CLOUDWATCH' },
} as const;
export type AwsService = keyof typeof services;

export interface WayToAws extends WayOut {
  readonly url: URL;
  /** `host:port` of the endpoint. */
  readonly host: string;
  /** The interface endpoint that a VPC needs if it has no other route to the internet. */
  readonly vpcEndpoint: string;
  /** What to check after a failure whose text or error code is `reason`. */
  readonly adviceOn: (reason: string) => string;
}

/** The route to an AWS service. Finds the endpoint as the SDK does, but ignores AWS configuration files. */
export function wayToAws(service: AwsService, environment: Environment, givenRegion?: string): WayToAws {
  const region = givenRegion ?? (environment.AWS_REGION || environment.AWS_DEFAULT_REGION || 'REGION');
  const { endpoint } = services[service];
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const set = environment[endpoint] || environment.AWS_ENDPOINT_URL;
  const url = new URL(set && URL.canParse(set) ? set : `https://${service}.${region}.${suffix}`);
  const way = wayTo(url, environment);
  const host = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
  const vpcEndpoint = `com.amazonaws.${region}.${service}`;
  const adviceOn = (reason: string) => {
    if (/certificate|self-signed/i.test(reason)) return onCertificate;
    const advice = way.proxy
      ? onProxy(way.proxy, host, reason)
      : onNetwork(way.vpc, endpoint, vpcEndpoint, reason);
    return way.hint === undefined ? advice : `${advice} ${way.hint}`;
  };
  return { ...way, url, host, vpcEndpoint, adviceOn };
}

const onCertificate =
  'The certificate is of an authority that Node does not know, as with a proxy that inspects TLS: set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority.';

function onProxy(
  { shown, setting, secrets }: NonNullable<WayOut['proxy']>,
  host: string,
  reason: string,
): string {
  if (/\b407\b/.test(reason))
    return secrets.length > 0
      ? `The proxy ${shown} refuses the user or password in ${setting}: correct them.`
      : `The proxy ${shown} requires a user and a password: add them to ${setting}, as in http://USER:PASSWORD@HOST:PORT.`;
  return `The request goes through the proxy ${shown}: check ${setting}, that the proxy is up, and that it allows and reaches ${host}. In a VPC with an endpoint for the service, add the host to NO_PROXY.`;
}

function onNetwork(vpc: string | undefined, setting: string, endpoint: string, reason: string): string {
  const needs = `a NAT gateway or the interface endpoint ${endpoint}, and a security group that lets port 443 out`;
  if (vpc === undefined)
    return `Check the network: a function in a VPC needs ${needs}; elsewhere, check AWS_REGION, ${setting} and HTTPS_PROXY.`;
  if (/ENOTFOUND|EAI_AGAIN/.test(reason))
    return `The function is in a VPC (${vpc}) whose DNS does not answer: switch on enableDnsSupport and enableDnsHostnames, and check AWS_REGION.`;
  return `The function is in a VPC (${vpc}): it needs ${needs}. The security group of an endpoint must let port 443 in, and its private DNS must be on.`;
}
