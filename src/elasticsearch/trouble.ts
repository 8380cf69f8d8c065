/** @module A failed read as the error that ends a sweep: what happened, and what to do about it. */
import {
  AccessDeniedError,
  ClusterUnreachableError,
  type JobsweepError,
  NotElasticsearchError,
  UnreadableInventoryError,
} from '../sweep/errors.ts';
import { type Connection, shownAddress } from './connection.ts';
import { type Failure, type LostCause, subjectOf } from './failure.ts';
import { shownWait } from './reading.ts';

export interface Circumstances {
  readonly connection: Connection;
  /** What was asked for, as `GET /_ml/info`. */
  readonly asked: string;
  /** A close was sent before this read: jobs may be closed by now. */
  readonly closesSent: boolean;
}

/** What happened, beginning with the address, what to do about it, and the error that it would end a sweep as. */
export interface Trouble {
  readonly what: string;
  readonly advice: string;
  /** The raw text of the network, where `what` names the cause already; it comes last. */
  readonly detail?: string;
  readonly error: (message: string) => JobsweepError;
}

/** The error for a read that failed for good. It never holds what the client threw, in which credentials could stand. */
export function errorFor(failure: Failure, circumstances: Circumstances): JobsweepError {
  const { what, advice, detail, error } = troubleOf(failure, circumstances);
  const raw = detail === undefined ? '' : ` (${detail})`;
  return error(`${what}${circumstances.closesSent ? '' : '; nothing was closed'}. ${advice}${raw}`);
}

const unreachable = (message: string) => new ClusterUnreachableError(message);
const wrongProduct = (message: string) => new NotElasticsearchError(message);
const unreadable = (message: string) => new UnreadableInventoryError(message);

export function troubleOf(failure: Failure, circumstances: Omit<Circumstances, 'closesSent'>): Trouble {
  const { connection, asked } = circumstances;
  const trouble = (error: Trouble['error'], what: string, advice: string): Trouble => ({
    what: `${shownAddress(connection)} ${what}`,
    advice,
    error,
  });
  switch (failure.kind) {
    case 'ended':
      return trouble(
        unreachable,
        'could not be read in the time left',
        'Give the sweep more time, or see why the cluster is slow.',
      );
    case 'lost': {
      if (failure.cause === 'other')
        return trouble(
          unreachable,
          `cannot be reached: ${failure.reason}`,
          'Check the address, and that this machine may reach it.',
        );
      const { cause, advice } = lost[failure.cause];
      return { ...trouble(unreachable, `cannot be reached: ${cause}`, advice), detail: failure.reason };
    }
    case 'not_elasticsearch':
      return trouble(wrongProduct, `answers, but not as an Elasticsearch: ${failure.reason}`, wrongPlace);
    case 'unreadable':
      return trouble(
        unreadable,
        `gave an answer to ${asked} that cannot be used: ${failure.reason}`,
        'Is a proxy in between that changes answers?',
      );
    case 'page':
    case 'answer':
      return troubleOfStatus(failure, trouble, connection, asked);
  }
}

function troubleOfStatus(
  { kind, error, retryAfterMs = 0 }: Extract<Failure, { kind: 'answer' | 'page' }>,
  trouble: (error: Trouble['error'], what: string, advice: string) => Trouble,
  connection: Connection,
  asked: string,
): Trouble {
  const said = `HTTP ${error.status} ${error.type}: ${error.reason}`;
  const denied = (message: string) => new AccessDeniedError(error.status, message);
  if (error.status === 401) {
    const advice = connection.credentials
      ? 'The key or password is wrong, expired or revoked: check ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD.'
      : 'No credentials are set: set ELASTICSEARCH_API_KEY.';
    return trouble(denied, `refused the credentials (${said})`, advice);
  }
  const subject = subjectOf(error);
  if (subject === 'privilege') {
    const advice = 'Planning needs the cluster privilege monitor_ml, sweeping manage_ml.';
    return trouble(denied, `does not allow ${asked} (${said})`, advice);
  }
  if (subject === 'license')
    return trouble(
      unreadable,
      `has no licence for machine learning, so it does not answer ${asked} (${said})`,
      'Check the licence: GET _license shows its type and when it ends.',
    );
  if (subject === 'block')
    return trouble(
      unreadable,
      `has a block on what ${asked} reads (${said})`,
      'Remove the block, or what set it: a full disk sets index.blocks.read_only_allow_delete.',
    );
  if (subject === 'front')
    return trouble(
      denied,
      `has something in front of it that refuses ${asked} (${said})`,
      'Check the access rules of the proxy, gateway or firewall in between.',
    );
  if (error.status === 403)
    return trouble(unreadable, `refuses ${asked} (${said})`, 'See why the cluster refuses it.');
  if (error.status < 500 && error.status !== 429) {
    return kind === 'page'
      ? trouble(wrongProduct, `answers ${asked}, but not as an Elasticsearch (${said})`, wrongPlace)
      : trouble(
          wrongProduct,
          `does not understand ${asked} (${said})`,
          'Is it an Elasticsearch with machine learning?',
        );
  }
  const wait = retryAfterMs > 0 ? `, and asks to wait ${shownWait(retryAfterMs)}` : '';
  const when = retryAfterMs > 0 ? 'Try again after that.' : undefined;
  return kind === 'page'
    ? trouble(
        unreachable,
        `has something in front of it that cannot reach it (${said})${wait}`,
        when ?? 'Try again when the cluster is up.',
      )
    : trouble(
        unreadable,
        `could not answer ${asked} (${said})${wait}`,
        when ?? 'Try again when the cluster is well.',
      );
}

const wrongPlace = "Check ELASTICSEARCH_URL: is it the address of Kibana, or of a proxy's login?";

const lost: Record<Exclude<LostCause, 'other'>, { readonly cause: string; readonly advice: string }> = {
  host: { cause: 'its host name does not exist', advice: 'Check ELASTICSEARCH_URL.' },
  lookup: { cause: 'its host name cannot be looked up', advice: 'Check the name servers of this machine.' },
  refused: {
    cause: 'nothing listens there',
    advice: 'Check the port in ELASTICSEARCH_URL, and that the cluster is up.',
  },
  certificate: {
    cause: 'its certificate is not trusted',
    advice:
      'Set ELASTICSEARCH_CA_CERT to the certificate of the authority that signed it, and check that the certificate is for this host name and still valid.',
  },
  fingerprint: {
    cause: 'ELASTICSEARCH_CA_FINGERPRINT is of another certificate',
    advice: 'Compare it with that of the authority that signed the certificate of the server.',
  },
  not_tls: {
    cause: 'it does not speak TLS',
    advice: 'Does its address in ELASTICSEARCH_URL begin with http:// instead?',
  },
  handshake: {
    cause: 'the TLS handshake failed',
    advice: 'Check which TLS versions the server allows, and whether it asks for a client certificate.',
  },
  closed: {
    cause: 'the connection was closed without a whole answer',
    advice:
      'Check that the port in ELASTICSEARCH_URL is that of Elasticsearch, and whether it wants https://.',
  },
  no_route: {
    cause: 'there is no route to it',
    advice: 'Check the network of this machine: subnets, routes, VPN.',
  },
};
