/**
 * @module How requests leave this machine: directly, or through a proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY
 * select. By default, Node and the AWS SDK ignore these variables, so every client gets the options for its agent from
 * this module.
 */
import { InvalidSettingError } from './errors.ts';
import { printable, quote } from './text.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface HttpProxy {
  /** The variable that names the proxy, as spelled in the environment. */
  readonly setting: string;
  /** The proxy's address, with the user name and password if there are any. */
  readonly href: string;
  /** The proxy as messages show it, such as `http://proxy.example.com:3128`, without user and password. */
  readonly shown: string;
  /** Every encoding in which the proxy's password may appear in an external text, the longest first. */
  readonly secrets: readonly string[];
}

/** The options that make Node's agents send requests through a proxy. */
export interface AgentOptions {
  readonly proxyEnv: Readonly<Record<string, string>>;
  /** Milliseconds. Without this limit, a proxy that does not answer would hold its connection open forever. */
  readonly timeout: number;
}

const tunnelMs = 10_000;

/** How a request to one address leaves this machine. */
export interface WayOut {
  /** Undefined if the request goes out directly. */
  readonly proxy?: HttpProxy | undefined;
  /**
   * The options of a `node:http` or `node:https` agent for requests along this route. Node cannot abort a request while
   * the tunnel through the proxy opens; only `timeout` limits that time. A caller with an earlier deadline must stop
   * waiting for the request by itself.
   */
  readonly agent?: AgentOptions | undefined;
  /** The subnets and security groups of a function in a VPC, for messages. */
  readonly vpc?: string | undefined;
  /**
   * A sentence about a proxy setting that does not apply to this address, or about an entry of NO_PROXY that matches no
   * address.
   */
  readonly hint?: string | undefined;
}

/**
 * The route to `url`: directly or through a proxy.
 * @throws {InvalidSettingError} if the proxy's setting is invalid. The message never contains a password.
 */
export function wayTo(url: URL, environment: Environment): WayOut {
  const { proxy, hint } = proxyTo(url, environment);
  return {
    proxy,
    agent: proxy && { proxyEnv: { http_proxy: proxy.href, https_proxy: proxy.href }, timeout: tunnelMs },
    hint,
    vpc: vpcOf(environment),
  };
}

function vpcOf(environment: Environment): string | undefined {
  const subnets = environment.JOBSWEEP_VPC_SUBNETS?.trim().replace(/\s*,\s*/g, ', ');
  const groups = environment.JOBSWEEP_VPC_SECURITY_GROUPS?.trim().replace(/\s*,\s*/g, ', ');
  if (!subnets) return undefined;
  return printable(groups ? `${subnets}; ${groups}` : subnets);
}

function proxyTo(url: URL, environment: Environment): Pick<WayOut, 'proxy' | 'hint'> {
  const isHttps = url.protocol === 'https:';
  const setting = settingOf(environment, isHttps ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (!setting) return { hint: hintWithout(environment, isHttps) };
  const host = bareHost(url.hostname);
  if (isOwn(host))
    return { hint: `${setting.name} is set, but addresses of this machine never use a proxy.` };
  const noProxy = settingOf(environment, 'NO_PROXY');
  const port = url.port || (isHttps ? '443' : '80');
  const entries = entriesOf(noProxy?.value ?? '');
  const entry = entries.find(({ forms }) => forms.some((form) => matches(form, host, port)));
  if (noProxy && entry)
    return { hint: `${setting.name} is set, but ${noProxy.name} exempts ${host} (${quote(entry.text)}).` };
  const useless = entries.filter(({ forms }) => forms.length === 0).map(({ text }) => quote(text));
  return {
    proxy: readProxy(setting),
    hint:
      noProxy && useless.length > 0
        ? `${noProxy.name} has entries that match no host: ${useless.slice(0, 5).join(', ')}. Write a name, an address, or a range such as 10.0.0.0/8.`
        : undefined,
  };
}

/**
 * The options for an AWS client's request handler. The client also fetches its credentials from other hosts through
 * this handler. Therefore, Node's agents apply NO_PROXY to each request, not once to the whole client.
 * @throws {InvalidSettingError} if a proxy's setting is invalid.
 */
export function awsAgents(environment: Environment) {
  const [https, http] = [settingOf(environment, 'HTTPS_PROXY'), settingOf(environment, 'HTTP_PROXY')];
  if (!https && !http) return {};
  const noProxy = entriesOf(settingOf(environment, 'NO_PROXY')?.value ?? '').flatMap(({ forms }) => forms);
  const proxyEnv = {
    ...(https && { https_proxy: readProxy(https).href }),
    ...(http && { http_proxy: readProxy(http).href }),
    no_proxy: [...ownForms, ...noProxy].join(','),
  };
  const agent: AgentOptions = { proxyEnv, timeout: tunnelMs };
  return { httpAgent: agent, httpsAgent: agent };
}

interface Setting {
  readonly name: string;
  readonly value: string;
}

/**
 * The variable with the lower-case name or, if that is not set, with the upper-case name, as in curl and Node. A blank
 * value counts as not set.
 */
function settingOf(environment: Environment, upper: string): Setting | undefined {
  for (const name of [upper.toLowerCase(), upper]) {
    const value = environment[name]?.trim();
    if (value) return { name, value };
  }
  return undefined;
}

/** A hint for addresses whose scheme has no proxy, if a proxy variable that does not apply to them is set. */
function hintWithout(environment: Environment, isHttps: boolean): string | undefined {
  const [wanted, kind] = isHttps ? ['HTTPS_PROXY', 'https://'] : ['HTTP_PROXY', 'http://'];
  const other = settingOf(environment, isHttps ? 'HTTP_PROXY' : 'HTTPS_PROXY');
  const all = settingOf(environment, 'ALL_PROXY');
  if (other) return `${other.name} is set, but not ${wanted}, which addresses with ${kind} use.`;
  return all && `${all.name} is set, which jobsweep does not read: set ${wanted} for addresses with ${kind}.`;
}

/**
 * @throws {InvalidSettingError} if the value is not a proxy's address. The message omits a value that could contain a
 * password.
 */
function readProxy({ name, value }: Setting): HttpProxy {
  const wrong = (what: string) =>
    new InvalidSettingError(
      `the environment: ${name} ${what}: expected an address such as http://proxy.example.com:3128`,
    );
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value) ?? [];
  if (scheme === undefined) {
    const got = /^[\w.-]+(:\d+)?$/.test(value) ? ` (got ${quote(value)})` : '';
    throw wrong(`does not begin with http:// or https://${got}`);
  }
  if (!/^https?$/i.test(scheme))
    throw wrong(`is a ${quote(scheme.toLowerCase())} proxy, and only http and https proxies are supported`);
  if (/[\s\p{Cc}]/u.test(value)) throw wrong('has a space or a control character');
  if (!URL.canParse(value))
    throw wrong('cannot be read; in a user or password, / ? # @ : and % need percent-encoding');
  const url = new URL(value);
  if (url.search || url.hash || url.pathname !== '/')
    throw wrong('has something after the port; in a user or password, / ? # @ : and % need percent-encoding');
  const decoded = [url.username, url.password].map(decodedPart);
  const [username, password] = decoded;
  if (username === undefined || password === undefined)
    throw wrong('has a % in its user or password that is not percent-encoded (write %25)');
  if (!hasProxyAgents())
    throw new InvalidSettingError(
      `the environment: ${name} is set, and Node ${process.versions.node} cannot use a proxy: use Node 24.5 or later, or 22.21 or later of Node 22`,
    );
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const secrets = username || password ? [value, url.href, basic, url.password, password] : [];
  secrets.sort((one, other) => other.length - one.length);
  return { setting: name, href: url.href, shown: `${url.protocol}//${url.hostname}:${port}`, secrets };
}

function decodedPart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** Whether the agents of this version of Node use `proxyEnv`. Agents of older versions silently ignore it. */
function hasProxyAgents(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
}

/** An entry of NO_PROXY, and its equivalents in the syntax of Node's agents: none if the entry can match no host. */
interface Entry {
  readonly text: string;
  readonly forms: readonly string[];
}

const entriesOf = (noProxy: string): Entry[] =>
  noProxy
    .split(/[\s,]+/)
    .filter((text) => text !== '')
    .map((text) => ({ text, forms: formsOf(text.toLowerCase()) }));

const bareHost = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
const ipv4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/**
 * An entry of NO_PROXY in the syntax of Node's agents. Node does not support CIDR ranges and matches a bare name
 * exactly. In curl, Go and Python, ranges work and a bare name includes its subdomains. Users have one NO_PROXY for all
 * programs, so this module follows curl, Go and Python.
 */
function formsOf(entry: string): readonly string[] {
  if (entry === '*') return ['*'];
  const [, start = '', bits] = /^([\d.]+)\/(\d+)$/.exec(entry) ?? [];
  if (bits !== undefined) return ipv4.test(start) && Number(bits) <= 32 ? [rangeOf(start, Number(bits))] : [];
  if (/^[\d.]+-[\d.]+$/.test(entry)) return entry.split('-').every((end) => ipv4.test(end)) ? [entry] : [];
  const [, inside] = /^\[([\da-f:.]+)\]$/.exec(entry) ?? [];
  const address = inside ?? (/^[\da-f.]*:[\da-f:.]*:[\da-f:.]*$/.test(entry) ? entry : undefined);
  if (address !== undefined) return URL.canParse(`http://[${address}]`) ? ipv6Forms(address) : [];
  const name = /^(\*?\.)?[\w-]+(\.[\w-]+)*\.?$/;
  const [host = '', port] = entry.split(/:(?=\d+$)/);
  // A host whose last part is a number must be a complete IP address; otherwise it matches nothing.
  if (!name.test(host) || (/(^|\.)\d+$/.test(host) && !ipv4.test(host))) return [];
  if (port !== undefined) return host.startsWith('.') || host.startsWith('*') ? [] : [`${host}:${port}`];
  if (/^[.*]/.test(host) || ipv4.test(host)) return [host];
  return [host, `.${host}`];
}

/** An IPv6 address without and with brackets, because clients give their agent the host in either notation. */
function ipv6Forms(address: string): readonly string[] {
  const { hostname } = new URL(`http://[${address}]`);
  return [bareHost(hostname), hostname];
}

function rangeOf(address: string, bits: number): string {
  const size = 2 ** (32 - bits);
  const first = Math.floor(numberOf(address) / size) * size;
  return `${textOf(first)}-${textOf(first + size - 1)}`;
}

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const textOf = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');

/** Whether an entry of NO_PROXY matches a host. The rules are those of Node's agents, which AWS clients use. */
function matches(form: string, host: string, port: string): boolean {
  if (form === '*' || form === host || form === `${host}:${port}`) return true;
  if (form.startsWith('.')) return host === form.slice(1) || host.endsWith(form);
  if (form.startsWith('*.')) return host.endsWith(form.slice(1));
  const [first = '', last = ''] = form.split('-');
  return (
    [first, last, host].every((address) => ipv4.test(address)) &&
    numberOf(host) >= numberOf(first) &&
    numberOf(host) <= numberOf(last)
  );
}

/**
 * Loopback and link-local addresses. Requests to these never use a proxy, because the proxy would look for them on its
 * own machine or network.
 */
const ownForms = [
  ...formsOf('localhost'),
  '0.0.0.0',
  ...formsOf('127.0.0.0/8'),
  ...formsOf('169.254.0.0/16'),
  ...ipv6Forms('::1'),
];
const isOwn = (host: string): boolean =>
  ownForms.some((form) => matches(form, host, '')) || /^fe[89ab][\da-f]:|^::ffff:(7f|a9fe:)/.test(host);
