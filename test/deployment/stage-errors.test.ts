import { expect, it } from 'vitest';
import { packageService } from '../support/packaged.ts';

it('for an invalid parameter, the framework shows the error message without a stack trace', {
  timeout: 120_000,
}, async () => {
  const error = await packageService(['--stage', 'dev', '--param=memorySize=lots']).catch(
    (reason: Error) => reason,
  );
  const { message } = error as Error;
  expect(message).toContain(
    'errored with: param memorySize: expected a whole number from 128 to 10240, got "lots"',
  );
  expect(message).not.toMatch(/^\s+at /m);
});
