/**
 * @module Reads an API key as people paste it. Elasticsearch answers 401 to any mistake in a key, without naming the
 * mistake.
 */

/** Elastic Cloud's own keys have a prefix and are sent unchanged; all other keys are base64 of `id:key`. */
const cloudKey = /^ess[a-z]_[\w=-]+$/;

/** The key as the `Authorization` header needs it, or the problem with it. A problem never quotes the key. */
export type ReadApiKey = { readonly encoded: string } | { readonly problem: string };

export function readApiKey(setting: string): ReadApiKey {
  const text = setting.trim();
  if (text.startsWith('{'))
    return { problem: 'is the whole response of the create call: set only the value of its field "encoded"' };
  if (/^["'].*["']$/s.test(text)) return { problem: 'is in quotation marks: set it without them' };
  if (/^(authorization:\s*)?(apikey|bearer|basic)\s/i.test(text))
    return { problem: 'starts like an Authorization header: set only the key' };
  if (cloudKey.test(text)) return { encoded: text };
  if (/[\r\n]/.test(text)) return { problem: 'has a line break in it: set it as one line' };
  // A key's id and secret, joined by a colon. The header needs the pair in base64.
  if (/^[!-9;-~]+:[!-~]+$/.test(text)) return { encoded: Buffer.from(text).toString('base64') };
  if (!/^[\w+/=-]+$/.test(text)) return { problem: 'is neither an encoded key nor id:key' };
  const decoded = decode(text);
  if (isPair(decoded)) return { encoded: text };
  if (isPair(decoded.trim()) || /^[!-~]+:\s*[!-~]+\s*$/.test(decoded))
    return {
      problem:
        'is the base64 of a key with a space or line break: encode id:key without one, for example with printf',
    };
  if (isPair(decode(decoded.trim()))) return { problem: 'is encoded twice: decode it once' };
  return {
    problem: 'is only one part of a key: expected the field "encoded" of the create call, or id:api_key',
  };
}

const decode = (text: string): string => Buffer.from(text, 'base64').toString();
const isPair = (text: string): boolean => /^[!-9;-~]+:[!-~]+$/.test(text);
