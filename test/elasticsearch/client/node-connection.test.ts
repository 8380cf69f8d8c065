import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { NodeConnection } from '../../../src/elasticsearch/client/node-connection.ts';
import { serve } from '../../support/scripted-server.ts';

describe('the client’s connection', () => {
  it('the client’s connection can be closed without a wait, which aborts the pending request', async () => {
    const requested = Promise.withResolvers<void>();
    await using server = await serve(() => requested.resolve());
    const connection = new NodeConnection({ url: new URL(server.url) });
    const options = { requestId: 1, name: 'test', context: null };
    const request = connection.request({ method: 'GET', path: '/' }, options);
    const ended = expect(request).rejects.toThrow('socket hang up');
    await requested.promise;
    const first = await Promise.race([
      connection.close().then(() => 'closed'),
      setImmediate('still waiting'),
    ]);
    expect(first).toBe('closed');
    await ended;
  });
});
