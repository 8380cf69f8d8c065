/** @module A Lambda context, and the log lines that the function writes. */
import type { Context } from 'aws-lambda';
import { vi } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';

export function lambdaContext(clock: Clock, remainingMs = 15 * 60_000, requestId = 'request-1'): Context {
  const end = clock.now() + remainingMs;
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: 'jobsweep-sweep',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:jobsweep-sweep',
    memoryLimitInMB: '512',
    awsRequestId: requestId,
    logGroupName: '/aws/lambda/jobsweep-sweep',
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => end - clock.now(),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}

/** Runs `work` and returns every JSON line that is written to standard output while it runs. */
export async function linesOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const errors = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
    errors.mockRestore();
  }
  return written
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
