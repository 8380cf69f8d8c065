/** @module A failed read as the error that ends a sweep: what happened, and what to do about it. */
import {
  AccessDeniedError,
  ClusterUnreachableError,
  type JobsweepError,
  NotElasticsearchError,
  UnreadableInventoryError,
} from '../sweep/errors.ts';
import { type Connection, shownAddress } from './connection.ts';
import type { Failure, LostCause } from './failure.ts';

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
  readonly error: (message: string) => JobsweepError;
}

/** The error for a read that failed for good. It never holds what the client threw, in which credentials could stand. */
export function errorFor(failure: Failure, circumstances: Circumstances): JobsweepError {
  const { what, advice, error } = troubleOf(failure, circumstances);
  return error(`${what}${circumstances.closesSent ? '' : '; nothing was closed'}. ${advice}`);
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
    case 'lost':
      return trouble(unreachable, `cannot be reached (${failure.reason})`, lostAdvice[failure.cause]);
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
  { kind, error }: Extract<Failure, { kind: 'answer' | 'page' }>,
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
  if (error.status === 403) {
    const advice = 'Planning needs the cluster privilege monitor_ml, sweeping manage_ml.';
    return trouble(denied, `does not allow ${asked} (${said})`, advice);
  }
  if (error.status < 500 && error.status !== 429) {
    return kind === 'page'
      ? trouble(wrongProduct, `answers ${asked}, but not as an Elasticsearch (${said})`, wrongPlace)
      : trouble(
          wrongProduct,
          `does not understand ${asked} (${said})`,
          'Is it an Elasticsearch with machine learning?',
        );
  }
  return kind === 'page'
    ? trouble(
        unreachable,
        `has something in front of it that cannot reach it (${said})`,
        'Try again when the cluster is up.',
      )
    : trouble(unreadable, `could not answer ${asked} (${said})`, 'Try again when the cluster is well.');
}

const wrongPlace = "Check ELASTICSEARCH_URL: is it the address of Kibana, or of a proxy's login?";

const lostAdvice: Record<LostCause, string> = {
  host: 'Its host name does not exist: check ELASTICSEARCH_URL.',
  refused: 'Nothing listens there: check the port in ELASTICSEARCH_URL, and that the cluster is up.',
  certificate:
    'Its certificate is not trusted: set ELASTICSEARCH_CA_CERT to the certificate of the authority that signed it, and check that the certificate is for this host name and still valid.',
  fingerprint:
    'ELASTICSEARCH_CA_FINGERPRINT is of another certificate: compare it with that of the authority that signed the certificate of the server.',
  not_tls: 'It does not speak TLS: does ELASTICSEARCH_URL begin with http:// instead?',
  other: 'Check the address, and that this machine may reach it.',
};
