/**
 * @module Removes our credentials from external texts. A gateway's error page may echo the request, headers included,
 * and such pages end up in error messages, reports and logs.
 */
import type { Connection } from './connection.ts';

/**
 * Minimum length of a secret. A shorter text is not a secret, and messages would be unreadable if it were removed
 * everywhere.
 */
const shortestSecret = 4;

/**
 * Returns a function that removes the connection's credentials from a text, in every encoding that they have on the
 * wire.
 */
export function redactorFor({
  credentials,
  route,
}: Pick<Connection, 'credentials' | 'route'>): (text: string) => string {
  const secrets = [...(route?.proxy?.secrets ?? []), ...formsOf(credentials)].filter(
    (form) => form.length >= shortestSecret,
  );
  // break: redact
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);
}

/**
 * The encodings of the credentials, the longest first: if a part were replaced before the whole, the rest would stay in
 * the text.
 */
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
