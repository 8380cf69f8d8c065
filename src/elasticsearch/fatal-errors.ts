/** @module Turns a failed read into the error that ends a sweep: what happened, and what to do about it. */
import {
  AccessDeniedError,
  ClusterUnreachableError,
  type JobsweepError,
  NotElasticsearchError,
  UnreadableInventoryError,
} from '../base/errors.ts';
import type { ClusterError } from '../sweep/ports.ts';
import { addressSetting, type Connection, shownWay } from './connection.ts';
import { type Failure, type LostCause, subjectOf } from './failure.ts';
import { shownWait } from './retry-reads.ts';

export interface FailureContext {
  readonly connection: Connection;
  /** The failed request, such as `GET /_ml/info`. */
  readonly asked: string;
  /** Whether a close request was sent before the failed read. If so, jobs may be closed by now. */
  readonly closesSent: boolean;
}

/**
 * The explanation of a failure: what happened (beginning with the address), what to do, and the error that ends a
 * sweep.
 */
export interface Explanation {
  readonly what: string;
  readonly advice: string;
  /** The raw network error, shown last. Set if `what` already names the cause. */
  readonly detail?: string;
  readonly error: (message: string) => JobsweepError;
}

/**
 * The error for a read that failed for good. This error never includes the client's own error, which may hold
 * credentials.
 */
export function errorFor(failure: Failure, context: FailureContext): JobsweepError {
  const { what, advice, detail, error } = explainFailure(failure, context);
  const raw = detail === undefined ? '' : ` (${detail})`;
  return error(`${what}${context.closesSent ? '' : '; nothing was closed'}. ${advice}${raw}`);
}

const unreachable = (message: string) => new ClusterUnreachableError(message);
const wrongProduct = (message: string) => new NotElasticsearchError(message);
const unreadable = (message: string) => new UnreadableInventoryError(message);

export function explainFailure(failure: Failure, context: Omit<FailureContext, 'closesSent'>): Explanation {
  const explained = explainKind(failure, context);
  const { hint } = context.connection.route ?? {};
  const isLost = failure.kind === 'lost' || failure.kind === 'ended';
  return isLost && hint !== undefined ? { ...explained, advice: `${explained.advice} ${hint}` } : explained;
}

function explainKind(failure: Failure, context: Omit<FailureContext, 'closesSent'>): Explanation {
  const { connection, asked } = context;
  const explain = (error: Explanation['error'], what: string, advice: string): Explanation => ({
    what: `${shownWay(connection)} ${what}`,
    advice,
    error,
  });
  switch (failure.kind) {
    case 'ended':
      return explainEnd(failure, explain, context);
    case 'lost': {
      const onTheWay = connection.route?.explain(failure.cause, failure.reason);
      if (failure.cause === 'other' && !onTheWay)
        return explain(
          unreachable,
          `cannot be reached: ${failure.reason}`,
          'Check the address, and that this machine may reach it.',
        );
      const { cause, advice } = onTheWay ?? lostBy(failure.cause as KnownCause, connection);
      const about = failure.about === undefined ? '' : ` (${failure.about})`;
      return {
        ...explain(unreachable, `cannot be reached: ${cause}${about}`, advice),
        detail: failure.reason,
      };
    }
    case 'not_elasticsearch':
      return explain(
        wrongProduct,
        `answers, but not as an Elasticsearch: ${failure.reason}`,
        failure.movedTo === undefined
          ? placeAdvice(failure.isKibana === true, connection)
          : `Set ${addressSetting(connection)} to ${failure.movedTo}`,
      );
    case 'unreadable':
      return explain(
        unreadable,
        `gave an answer to ${asked} that cannot be used: ${failure.reason}`,
        'Is a proxy in between that changes answers?',
      );
    case 'page':
      return explainPage(failure, explain, connection, asked);
    case 'answer':
      return explainStatus(failure, explain, connection, asked);
  }
}

/**
 * Only a silence of at least this length, in milliseconds, is reported as "did not answer". A shorter silence may
 * simply mean that the cluster is slow or that the sweep had little time left.
 */
const longSilence = 2_000;

function explainEnd(
  { silentMs = 0, before, connected = true }: Extract<Failure, { kind: 'ended' }>,
  explain: Explain,
  context: Omit<FailureContext, 'closesSent'>,
): Explanation {
  if (silentMs >= longSilence) {
    const seconds = Math.floor(silentMs / 1_000);
    const { connection, asked } = context;
    const how = connected ? 'silent' : 'no_connection';
    const { advice } = connection.route?.explain(how, '') ?? lostBy(how, connection);
    const what = connected ? `did not answer ${asked}` : 'accepted no connection';
    return explain(unreachable, `${what} within ${seconds} s`, advice);
  }
  if (before) {
    const last = explainKind(before, context);
    return { ...last, what: `${last.what}, and no time was left to try again` };
  }
  return explain(
    unreachable,
    'could not be read in the time left',
    'Give the sweep more time, or see why the cluster is slow.',
  );
}

type Explain = (error: Explanation['error'], what: string, advice: string) => Explanation;

/**
 * Explains an answer that is not from Elasticsearch. The status of such an answer says nothing about Elasticsearch
 * privileges.
 */
function explainPage(
  { error, isKibana, retryAfterMs }: Extract<Failure, { kind: 'page' }>,
  explain: Explain,
  connection: Connection,
  asked: string,
): Explanation {
  const said = `HTTP ${error.status}: ${error.reason}`;
  if (isKibana)
    return explain(wrongProduct, `answers ${asked} as Kibana does (${said})`, placeAdvice(true, connection));
  if (error.status === 401 || error.status === 403)
    return explain(
      (message) => new AccessDeniedError(error.status, message),
      `has something in front of it that refuses ${asked} (${said})`,
      'Check the access rules of the proxy, gateway or firewall in between.',
    );
  if (error.status < 500 && error.status !== 429)
    return explain(
      wrongProduct,
      `answers ${asked}, but not as an Elasticsearch (${said})`,
      placeAdvice(false, connection),
    );
  const { asksToWait, again } = wordsOfWait(retryAfterMs, 'the cluster is up');
  return explain(
    unreachable,
    `has something in front of it that ${error.status === 429 ? 'limits requests' : 'cannot reach it'} (${said})${asksToWait}`,
    again,
  );
}

/**
 * What to do about a blocked or closed index. One such index makes the whole listing fail, and a sweep with only part
 * of the listing could close a busy job.
 */
function adviceOnBlock({ type, reason }: ClusterError): string {
  const [, index] = /index \[([^\]]+)\]/.exec(reason) ?? [];
  const isClosed = type === 'index_closed_exception' || reason.includes('index closed');
  if (isClosed && index !== undefined)
    return `The index ${index} is closed, and without it the list of jobs is incomplete: open it with POST /${index}/_open, or delete the jobs whose results it contains.`;
  return 'Remove the block and its cause. For example, a full disk sets index.blocks.read_only_allow_delete.';
}

/** The wait that the server asked for, as a clause, and the advice that follows from it. */
const wordsOfWait = (retryAfterMs: number | undefined, otherwise: string) =>
  retryAfterMs
    ? { asksToWait: `, and asks to wait ${shownWait(retryAfterMs)}`, again: 'Try again after that.' }
    : { asksToWait: '', again: `Try again when ${otherwise}.` };

function explainStatus(
  { error, retryAfterMs }: Extract<Failure, { kind: 'answer' }>,
  explain: Explain,
  connection: Connection,
  asked: string,
): Explanation {
  const said = `HTTP ${error.status} ${error.type}: ${error.reason}`;
  const denied = (message: string) => new AccessDeniedError(error.status, message);
  if (error.status === 401) {
    const advice = connection.credentials
      ? 'The key or password is wrong, expired or revoked: check ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD.'
      : 'No credentials are set: set ELASTICSEARCH_API_KEY.';
    return explain(denied, `refused the credentials (${said})`, advice);
  }
  const subject = subjectOf(error);
  if (subject === 'privilege') {
    const advice = 'Planning needs the cluster privilege monitor_ml, sweeping manage_ml.';
    return explain(denied, `does not allow ${asked} (${said})`, advice);
  }
  if (subject === 'license')
    return explain(
      unreadable,
      `has no licence for machine learning, so it does not answer ${asked} (${said})`,
      'Check the licence: GET _license shows its type and when it ends.',
    );
  if (subject === 'block')
    return explain(unreadable, `refuses ${asked} because of a block (${said})`, adviceOnBlock(error));
  if (error.status === 403)
    return explain(unreadable, `refuses ${asked} (${said})`, 'See why the cluster refuses it.');
  if (error.status < 500 && error.status !== 429) {
    return explain(
      wrongProduct,
      `does not understand ${asked} (${said})`,
      'Is it an Elasticsearch with machine learning?',
    );
  }
  const { asksToWait, again } = wordsOfWait(retryAfterMs, 'the cluster is healthy');
  return explain(unreadable, `could not answer ${asked} (${said})${asksToWait}`, again);
}

function placeAdvice(isKibana: boolean, connection: Connection): string {
  const setting = addressSetting(connection);
  return isKibana
    ? `This is the address of Kibana: set ${setting} to that of Elasticsearch (port 9200 instead of 5601; on Elastic Cloud .es. instead of .kb.).`
    : `Check ${setting}: is it the address of Kibana, or of a proxy's login?`;
}

type KnownCause = Exclude<LostCause, 'other' | 'proxy'>;

interface Lost {
  readonly cause: string;
  readonly advice: string;
}

function lostBy(cause: KnownCause, connection: Connection): Lost {
  const setting = addressSetting(connection);
  switch (cause) {
    case 'host':
      return { cause: 'its host name does not exist', advice: `Check ${setting}.` };
    case 'lookup':
      return {
        cause: 'its host name cannot be looked up',
        advice: 'Check the name servers of this machine.',
      };
    case 'refused':
      return {
        cause: 'nothing listens there',
        advice: `Check the port in ${setting}, and that the cluster is up.`,
      };
    case 'certificate':
      return {
        cause: 'its certificate is not trusted',
        advice:
          connection.ca === undefined
            ? 'Set ELASTICSEARCH_CA_CERT to the certificate of the authority that signed it.'
            : 'Add the certificate of the authority that signed it to ELASTICSEARCH_CA_CERT, or let the server send its whole chain.',
      };
    case 'expired':
      return {
        cause: 'its certificate is not valid now',
        advice: 'Renew the certificate, or check the clock of this machine.',
      };
    case 'other_host':
      return {
        cause: 'its certificate is for another host name',
        advice: `Set ${setting} to a name that the certificate has, or renew the certificate.`,
      };
    case 'fingerprint':
      return {
        cause: 'ELASTICSEARCH_CA_FINGERPRINT belongs to another certificate',
        advice: 'Compare it with that of the authority that signed the certificate of the server.',
      };
    case 'not_tls':
      return {
        cause: 'it does not speak TLS',
        advice: `Does its address in ${setting} begin with http:// instead?`,
      };
    case 'only_tls':
      return { cause: 'it speaks only TLS', advice: `Set ${setting} to https:// instead of http://.` };
    case 'handshake':
      return {
        cause: 'the TLS handshake failed',
        advice: 'Check which TLS versions the server allows, and whether it asks for a client certificate.',
      };
    case 'closed':
      return {
        cause: 'the connection was closed before the answer was complete',
        advice: `Check that the port in ${setting} is that of Elasticsearch, and whether it wants https://.`,
      };
    case 'silent':
    case 'no_connection': {
      const isSilent = cause === 'silent';
      return {
        cause: isSilent ? 'it does not answer' : 'it accepts no connection',
        advice: `Check ${setting} and the network in between (routes, VPN, security groups)${isSilent ? ', or see why the cluster is slow' : ''}.`,
      };
    }
    case 'no_route':
      return {
        cause: 'there is no route to it',
        advice: 'Check the network of this machine: subnets, routes, VPN.',
      };
  }
}
