import { describe, expect, it } from 'vitest';
import { parseCloudId } from '../../src/elasticsearch/connection.ts';

const cloudId = (inside: string, name = 'staging') => `${name}:${Buffer.from(inside).toString('base64')}`;

describe('a cloud id', () => {
  it.each([
    ['eu.example.test$0a1b$kibana', 'https://0a1b.eu.example.test:443'],
    ['eu.example.test$0a1b', 'https://0a1b.eu.example.test:443'],
    ['eu.example.test:9243$0a1b$kibana', 'https://0a1b.eu.example.test:9243'],
    ['eu.example.test:9243$0a1b:9244$kibana', 'https://0a1b.eu.example.test:9244'],
    ['eu.example.test$0a1b:9244$kibana', 'https://0a1b.eu.example.test:9244'],
  ])('a cloud id that encodes %s gives the address %s', (inside, url) => {
    expect(parseCloudId(cloudId(inside))).toBe(url);
    // the name in a cloud id may contain a colon, or be empty
    expect(parseCloudId(cloudId(inside, 'team:staging'))).toBe(url);
    expect(parseCloudId(cloudId(inside, ''))).toBe(url);
  });

  it.each([
    '',
    '$0a1b',
    'host$',
    'host',
    'ho st$0a1b',
    'host$0a/1b',
    'host$0a1b:99999',
    'host$user@0a1b',
    'host:x$0a1b',
  ])('a cloud id that encodes %j is invalid', (inside) => {
    expect(parseCloudId(cloudId(inside))).toBeUndefined();
  });

  it('a cloud id without a colon is invalid', () => {
    expect(parseCloudId(Buffer.from('eu.example.test$0a1b').toString('base64'))).toBeUndefined();
  });
});
