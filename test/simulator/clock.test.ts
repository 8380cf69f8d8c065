/** Tests the clocks of the embedded servers. */
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { scaledClock, trackHttp, VirtualClock } from '../../simulator/index.ts';

const hour = 3_600_000;

/** Starts a server that answers after `ms` milliseconds of the clock's time. Each answer contains the clock's time. */
async function slowServer(clock: VirtualClock, ms: number) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    // like the simulators, waits for an event: with a sleep, time would pass even after the client has disconnected
    const elapsed = new Promise<void>((resolve) => clock.at(clock.now() + ms, resolve));
    void clock.parked(request.socket.remotePort, elapsed).then(() => response.end(String(clock.now())));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a virtual clock', () => {
  test('a virtual clock stands still while nothing waits for it', async () => {
    using clock = new VirtualClock(1_000);
    const rang = vi.fn();
    clock.at(2_000, rang);

    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(clock.now()).toBe(1_000);
    expect(rang).not.toHaveBeenCalled();
  });

  test('a virtual clock jumps from event to event while a sleeper waits, and runs the events in order', async () => {
    using clock = new VirtualClock(0);
    const order: string[] = [];
    clock.at(5, () => order.push(`late ${clock.now()}`));
    clock.at(3, () => order.push(`early ${clock.now()}`));
    clock.at(3, () => order.push('early, second'));

    await clock.sleep(10);

    expect(order).toEqual(['early 3', 'early, second', 'late 5']);
    expect(clock.now()).toBe(10);
  });

  test('a virtual clock wakes sleepers in the order of their wake-up times, without taking as long as they sleep', async () => {
    using clock = new VirtualClock(0);
    const woke = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        await clock.sleep(hour - index * 60_000);
        return clock.now();
      }),
    );

    expect(woke).toEqual(Array.from({ length: 50 }, (_, index) => hour - index * 60_000));
  });

  test('a sleep on a virtual clock rejects with the reason of its abort signal, at the simulated time of the abort', async () => {
    using clock = new VirtualClock(0);
    const stop = new AbortController();
    clock.at(100, () => stop.abort(new Error('enough')));

    await expect(clock.sleep(hour, stop.signal)).rejects.toThrow('enough');
    expect(clock.now()).toBe(100);
    await expect(clock.sleep(1, stop.signal)).rejects.toThrow('enough');
  });

  test('the signal of a time limit on a virtual clock aborts when the time is reached, unless the limit was disposed before', async () => {
    using clock = new VirtualClock(0);
    const limit = clock.limit(50);
    const disposed = clock.limit(50);
    disposed[Symbol.dispose]();

    await clock.sleep(60);

    expect(limit.signal.reason).toMatchObject({ name: 'TimeoutError' });
    expect(disposed.signal.aborted).toBe(false);
  });

  test('a virtual clock that is advanced by hand stops at the exact time and skips cancelled events', async () => {
    using clock = new VirtualClock(0);
    const order: number[] = [];
    const cancel = clock.at(10, () => order.push(10));
    clock.at(20, () => {
      order.push(20);
      clock.at(25, () => order.push(25));
    });
    clock.at(40, () => order.push(40));
    cancel();

    await clock.advance(30);

    expect(order).toEqual([20, 25]);
    expect(clock.now()).toBe(30);
  });

  test('an event that is added to a virtual clock with a past time runs on the next `advance`, at the current simulated time', async () => {
    using clock = new VirtualClock(1_000);
    const rang = vi.fn();
    clock.at(10, rang);
    expect(rang).not.toHaveBeenCalled();

    await clock.advance(0);

    expect(rang).toHaveBeenCalledOnce();
    expect(clock.now()).toBe(1_000);
  });
});

describe('a virtual clock over real HTTP', () => {
  test('a virtual clock jumps to the time at which a slow HTTP request is answered', async () => {
    using clock = new VirtualClock(0);
    using _tracked = trackHttp(clock);
    await using server = await slowServer(clock, hour);

    const answer = await (await fetch(server.url)).text();

    expect(answer).toBe(String(hour));
    expect(clock.now()).toBe(hour);
  });

  test('a virtual clock stands still until all of several concurrent HTTP requests have been sent', async () => {
    using clock = new VirtualClock(0);
    using _tracked = trackHttp(clock);
    await using server = await slowServer(clock, 1_000);

    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => (await fetch(server.url)).text()),
    );

    // all requests were sent before the clock moved
    expect(answers).toEqual(Array.from({ length: 20 }, () => '1000'));
  });

  test("a virtual clock also tracks requests that Node's http client sends over several connections", async () => {
    using clock = new VirtualClock(0);
    using _tracked = trackHttp(clock);
    await using server = await slowServer(clock, 1_000);
    const request = () =>
      new Promise<string>((resolve, reject) => {
        httpRequest(server.url, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => resolve(text));
        })
          .on('error', reject)
          .end();
      });

    expect([await request(), await request(), await request()]).toEqual(['1000', '2000', '3000']);
  });

  test('a virtual clock ends a sleep of 2 s after 2 s, and a concurrent HTTP request of 5 s after 5 s', async () => {
    using clock = new VirtualClock(0);
    using _tracked = trackHttp(clock);
    await using server = await slowServer(clock, 5_000);

    const [answer, slept] = await Promise.all([
      fetch(server.url).then((response) => response.text()),
      clock.sleep(2_000).then(() => clock.now()),
    ]);

    expect({ answer, slept }).toEqual({ answer: '5000', slept: 2_000 });
  });

  test('a virtual clock stands still after an HTTP request is aborted, and jumps to the answer time of the next request', async () => {
    using clock = new VirtualClock(0);
    using _tracked = trackHttp(clock);
    await using server = await slowServer(clock, hour);
    const gone = new AbortController();
    clock.at(1_000, () => gone.abort());

    await expect(fetch(server.url, { signal: gone.signal })).rejects.toThrow('aborted');
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(clock.now()).toBe(1_000);
    expect(await (await fetch(server.url)).text()).toBe(String(1_000 + hour));
  });

  test('a virtual clock jumps to the time of an HTTP answer even if HTTP requests are not tracked', async () => {
    using clock = new VirtualClock(0);
    await using server = await slowServer(clock, 1_000);

    expect(await (await fetch(server.url)).text()).toBe('1000');
  });
});

describe('a scaled clock', () => {
  test('a scaled clock with a speed of 1,000 runs 1,000 times as fast as the machine’s clock, in whole milliseconds', async () => {
    const clock = scaledClock(1_000, 5_000);
    await clock.sleep(20_000);

    expect(clock.now()).toBeGreaterThanOrEqual(25_000 - 1_000);
    expect(Number.isInteger(clock.now())).toBe(true);
  });

  test('a scaled clock runs an event at the time of the event, unless the event was cancelled', async () => {
    const clock = scaledClock(1_000, 0);
    const rang = vi.fn();
    const cancelled = vi.fn();
    clock.at(10_000, rang);
    clock.at(10_000, cancelled)();

    await clock.sleep(40_000);

    expect(rang).toHaveBeenCalledOnce();
    expect(cancelled).not.toHaveBeenCalled();
  });

  test('a scaled clock does not immediately fire an event that is a year away', async () => {
    const clock = scaledClock(1, 0);
    const rang = vi.fn();
    const cancel = clock.at(365 * 24 * hour, rang);

    await clock.sleep(10);
    cancel();

    expect(rang).not.toHaveBeenCalled();
  });
});
