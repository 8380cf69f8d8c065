/**
 * @module Our own credentials, taken out of texts that come from outside: a gateway's error page may echo the request
 * that it got, headers included, and such pages end up in error messages, reports and logs.
 */
import type { Connection } from './connection.ts';

/** Shorter than this it is no secret, and taking it out would make the text unreadable. */
const shortestSecret = 4;

/** Takes every form that this connection's credentials have on the wire out of a text. */
export function redactorFor({ credentials }: Pick<Connection, 'credentials'>): (text: string) => string {
  const secrets = formsOf(credentials).filter((form) => form.length >= shortestSecret);
  // break: redact
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);
}

/** The longest first: a part that is taken out of the whole would leave the rest of it standing. */
function formsOf(credentials: Connection['credentials']): string[] {
  if (!credentials) return [];
  if ('apiKey' in credentials) {
    const decoded = Buffer.from(credentials.apiKey, 'base64').toString();
    const key = decoded.includes(':') ? decoded.slice(decoded.indexOf(':') + 1) : '';
    return [credentials.apiKey, credentials.apiKey.replace(/=+$/, ''), key && decoded, key];
  }
  const { username, password } = credentials;
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return [encoded, encoded.replace(/=+$/, ''), password];
}
