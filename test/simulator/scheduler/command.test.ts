import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../support/run-command.ts';
import { create, functionArn, roleArn, sdkClient } from '../../support/scheduler.ts';

type Wait = (pattern: RegExp) => Promise<string>;

/** Runs `jobsweep simulate scheduler` and stops it after `use`, which may wait for lines of its output. */
async function simulate(args: readonly string[], use: (url: string, written: Wait) => Promise<void>) {
  const stop = new AbortController();
  const lines: string[] = [];
  let more = Promise.withResolvers<void>();
  const running = runCommand(['simulate', 'scheduler', ...args], {
    signal: stop.signal,
    onOutput: (text) => {
      lines.push(text);
      more.resolve();
      more = Promise.withResolvers();
    },
  });
  const written: Wait = async (pattern) => {
    for (;;) {
      const line = lines.find((text) => pattern.test(text));
      if (line !== undefined) return line;
      await more.promise;
    }
  };
  const line = await Promise.race([written(/listening/), running.then(({ stderr }) => stderr)]);
  await use(/^listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line)?.[1] ?? `not ready: ${line}`, written);
  stop.abort();
  return await running;
}

describe('jobsweep simulate scheduler', () => {
  it('`jobsweep simulate scheduler` prints its address, answers the AWS SDK, and exits with 0 on SIGTERM', async () => {
    const { exit, stdout } = await simulate([], async (url) => {
      const client = sdkClient(url);
      await create(client);
      client.destroy();
    });
    expect(exit).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
  });

  it('`jobsweep simulate scheduler` posts the payload of a due schedule to the address in `--invoke`', async () => {
    const { promise: received, resolve } = Promise.withResolvers<string>();
    const lambda = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(202).end();
        resolve(Buffer.concat(chunks).toString());
      });
    });
    await new Promise<void>((listening) => lambda.listen(0, '127.0.0.1', listening));
    const { port } = lambda.address() as AddressInfo;
    const { stderr } = await simulate(
      ['--invoke', `http://127.0.0.1:${port}/invoke`],
      async (url, written) => {
        const client = sdkClient(url);
        // a rate without a start is due as soon as it is created
        await create(client, {
          ScheduleExpression: 'rate(1 day)',
          Target: { Arn: functionArn, RoleArn: roleArn, Input: '{"dryRun":true}' },
        });
        expect(await received).toBe('{"dryRun":true}');
        await written(/delivered/);
        client.destroy();
      },
    );
    lambda.close();
    expect(stderr).toMatch(/^schedule nightly of \d{4}-.*Z, attempt 1: delivered\n$/);
  });

  it.each([
    [['--port', '70000'], 'expected a whole number from 0 to 65535'],
    [['--speed', '0'], 'expected a number over 0'],
    [['--invoke', 'ftp://somewhere'], 'expected an http address'],
  ])('`jobsweep simulate scheduler` refuses the arguments %j with exit code 2', async (args, message) => {
    const { exit, stdout, stderr } = await runCommand(['simulate', 'scheduler', ...args]);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  it('`jobsweep simulate scheduler` reports that the requested port is in use', async () => {
    await simulate([], async (url) => {
      const { exit, stderr } = await runCommand(['simulate', 'scheduler', '--port', new URL(url).port]);
      expect(exit).toBe(2);
      expect(stderr).toContain('take another, or 0 for a free one');
    });
  });
});
