/**
 * @module Translates the SDK's errors into what failed, what to do about it, and whether a retry can help. The
 * service's own text is included only if it cannot contain a signature.
 */
import { InvalidSettingError, SchedulerError } from '../base/errors.ts';
import { printable, withoutNodeHint } from '../base/text.ts';

/**
 * What a failed call means to its caller. `role_not_ready`: the service answered 400, because it cannot assume the
 * role. The role is wrong, or was created only seconds ago.
 */
export type FailureKind =
  | 'missing'
  | 'conflict'
  | 'role_not_ready'
  | 'invalid'
  | 'quota'
  | 'denied'
  | 'busy'
  | 'unreachable'
  | 'unreadable';

/** A call that failed for good. */
export class SchedulerCallError extends SchedulerError {
  readonly kind: FailureKind;
  /** Whether the service may have made the change although the call failed: there was no answer, or a 5xx. */
  readonly mayBeDone: boolean;

  constructor({ kind, message, mayBeDone = false }: Omit<Failure, 'retryAfterMs'>, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SchedulerError';
    this.kind = kind;
    this.mayBeDone = mayBeDone;
  }
}

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** Whether the service may have made the change: the request was sent, but there was no answer, or a 5xx. */
  readonly mayBeDone?: boolean;
  /** The wait that the service asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * The fields of the SDK's errors that this module reads. The SDK's error classes are unreliable, because some
 * compatible endpoints do not send an error type.
 */
interface SdkError {
  readonly name?: string;
  readonly code?: string | number;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

// Error codes of sockets: first those that occur before a request is sent, then those that may occur after.
const unsentCodes = new Set([
  'ECONNREFUSED',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_PROXY_TUNNEL',
]);
const brokenCodes = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_SOCKET_CLOSED']);

/**
 * Classifies the error of a call. `doing` is what failed, for example `creating schedule nightly`. `networkAdvice` says
 * what to check if the service could not be reached.
 * @throws {InvalidSettingError} if no call was made because a setting is wrong.
 */
export function readFailure(
  error: unknown,
  doing: string,
  networkAdvice: (reason: string) => string,
): Failure {
  const { name = '', message = '', $metadata, $response, ...rest } = error as SdkError;
  // a timeout error has a number as its `code`
  const code = typeof rest.code === 'string' ? rest.code : '';
  const status = $metadata?.httpStatusCode;
  throwSettingError(error, name, message);
  const said = (kind: FailureKind, text: string, todo: string, mayBeDone = false): Failure => ({
    kind,
    message: `${doing} failed: ${text}; ${todo}`,
    mayBeDone,
    retryAfterMs: retryAfter($response?.headers),
  });
  const text = printable(withoutNodeHint(message));
  if (name === 'CredentialsProviderError')
    return said(
      'denied',
      'no AWS credentials were found',
      'set AWS_PROFILE, sign in, or give the function a role',
    );
  const isLost = name === 'TimeoutError' || brokenCodes.has(code);
  if (isLost || unsentCodes.has(code)) {
    const why = code === 'ERR_PROXY_TUNNEL' ? text : code || 'no answer in time';
    return said('unreachable', why, clause(networkAdvice(why)), isLost);
  }
  // Status 407 comes from a proxy. A request over http uses no tunnel, so the proxy itself answers it.
  if (status === 407) return said('unreachable', 'HTTP 407', clause(networkAdvice('HTTP 407')));
  if (status === undefined) {
    const isOfCertificate = /certificate|self-signed/i.test(text);
    const todo = isOfCertificate
      ? clause(networkAdvice(text))
      : 'check AWS_REGION and AWS_ENDPOINT_URL_SCHEDULER';
    return said('unreadable', text || name, todo);
  }
  // checks the error's type and its status, because compatible endpoints do not always set both correctly
  const is = (type: string, code: number) => name === type || status === code;
  if (is('ThrottlingException', 429))
    return said('busy', 'the scheduler throttles (429)', 'try again later, or ask for a higher quota');
  if (status >= 500)
    return said('busy', `the scheduler answered ${status}`, 'the request is fine; try again later', true);
  if (is('ConflictException', 409))
    return said('conflict', text || 'conflict (409)', 'look at what is there now');
  if (is('ResourceNotFoundException', 404))
    return said('missing', text || 'not found (404)', 'check the group’s and the schedule’s name');
  if (is('ServiceQuotaExceededException', 402))
    return said(
      'quota',
      text || 'a quota is used up (402)',
      'delete schedules that have fired, or ask for a higher quota',
    );
  if (is('AccessDeniedException', 403))
    return said('denied', `access denied (403): ${withoutSignature(name, text)}`, permissions);
  if (status === 400 && /must allow .*to assume the role/i.test(message))
    return said(
      'role_not_ready',
      text,
      'let scheduler.amazonaws.com assume the role, for this schedule group',
    );
  if (status === 400) return said('invalid', text || 'invalid (400)', 'correct it and try again');
  return said(
    'unreadable',
    `the answer (${status}) is not what a scheduler sends`,
    'check AWS_ENDPOINT_URL_SCHEDULER',
  );
}

/** Throws an InvalidSettingError if the error is about a setting. */
function throwSettingError(error: unknown, name: string, message: string): void {
  if (error instanceof InvalidSettingError) throw error;
  if (message === 'Region is missing' || message.startsWith('Region not accepted'))
    throw new InvalidSettingError(
      'AWS_REGION: expected the region of the scheduler, such as "eu-central-1"; set it',
      { cause: error },
    );
  if (name === 'TypeError' && message.includes('Invalid URL'))
    throw new InvalidSettingError(
      'AWS_ENDPOINT_URL_SCHEDULER (or AWS_ENDPOINT_URL): expected an address such as https://host; correct or unset it',
      { cause: error },
    );
}

/** Changes a sentence so that it can be the end of another sentence. */
const clause = (sentence: string): string =>
  `${sentence.charAt(0).toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`;

const permissions =
  'allow the caller the scheduler action on schedules of this group, and iam:PassRole on the role that schedules use';

/**
 * If the service refuses a signature, its text quotes the signed request, session token included, so the text must not
 * be logged.
 */
function withoutSignature(name: string, text: string): string {
  return name === 'AccessDeniedException' ? text : name || 'the credentials were refused';
}

function retryAfter(headers: Readonly<Record<string, string>> | undefined): number | undefined {
  const ms = Number(headers?.['x-amz-retry-after'] ?? Number.NaN);
  const seconds = Number(headers?.['retry-after'] ?? Number.NaN);
  const wait = Number.isFinite(ms) ? ms : seconds * 1000;
  return Number.isFinite(wait) && wait >= 0 ? wait : undefined;
}
