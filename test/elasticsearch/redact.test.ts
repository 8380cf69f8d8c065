import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactorFor } from '../../src/elasticsearch/redact.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('credentials in a text', () => {
  it('an API key is removed from a text in each encoding: encoded, decoded, with or without padding', () => {
    const clean = redactorFor({ credentials: { apiKey: base64('key-id:key-secret!') } });
    for (const form of [
      base64('key-id:key-secret!'),
      base64('key-id:key-secret!').replace(/=+$/, ''),
      'key-id:key-secret!',
      'key-secret!',
    ])
      expect(clean(`you sent ${form}, and again ${form}.`)).toBe(
        'you sent [redacted], and again [redacted].',
      );
  });

  it('a password is removed from a text, alone or encoded together with the user name; the plain user name stays', () => {
    const clean = redactorFor({ credentials: { username: 'sweeper', password: 'pass-word' } });
    const encoded = base64('sweeper:pass-word');
    expect(clean(`Basic ${encoded} ${encoded.replace(/=+$/, '')} sweeper:pass-word`)).toBe(
      'Basic [redacted] [redacted] sweeper:[redacted]',
    );
  });

  it('a credential is removed completely even if one of its encodings contains another', () => {
    const clean = redactorFor({ credentials: { apiKey: base64('id:abcd') } });
    expect(clean(`${base64('id:abcd')}|id:abcd|abcd`)).toBe('[redacted]|[redacted]|[redacted]');
  });

  it('credentials are removed from random texts at any position', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4, maxLength: 40 }),
        fc.string(),
        fc.string(),
        (password, before, after) => {
          fc.pre(!'[redacted]'.includes(password));
          const clean = redactorFor({ credentials: { username: 'u', password } });
          expect(clean(`${before} ${password} ${after}`)).toContain('[redacted]');
          expect(clean(password)).toBe('[redacted]');
        },
      ),
    );
  });

  it('a text stays unchanged if there are no credentials, or only credentials too short to be secret', () => {
    expect(redactorFor({})('any text')).toBe('any text');
    expect(redactorFor({ credentials: { username: 'u', password: 'a' } })('any text')).toBe('any text');
    expect(redactorFor({ credentials: { apiKey: base64('an id alone') } })('any text')).toBe('any text');
  });
});
