/** @module `jobsweep simulate scheduler`: the embedded Scheduler as a server, for trying things by hand. */
import { once } from 'node:events';
import { InvalidArgumentError } from 'commander';
import { scaledClock } from '../../../simulator/clock.ts';
import { type Delivery, startScheduler } from '../../../simulator/scheduler/index.ts';
import { InvalidSettingError } from '../../base/errors.ts';
import { printable, quote } from '../../base/text.ts';
import type { Register } from '../command.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';

interface Options {
  readonly port: number;
  readonly invoke?: string;
  readonly speed: number;
}

export const registerSimulateScheduler: Register = (simulate, { io, action }) => {
  const command = simulate
    .command('scheduler')
    .description('an EventBridge Scheduler whose schedules really fall due')
    .optionsGroup('Server:')
    .option('--port <number>', 'the port to listen on; 0 picks a free one', port, 0)
    .option('--invoke <url>', 'the Lambda invoke address that a due schedule posts its payload to', address)
    .option('--speed <factor>', 'how much faster than the machine its clock runs', factor, 1)
    .addHelpText(
      'after',
      '\nPoint clients to it with AWS_ENDPOINT_URL_SCHEDULER; any region and credentials will do.',
    )
    .action(action((options: Options) => serve(options, io)));
  withExamples(command, [
    ['jobsweep simulate scheduler --port 9300', 'show when schedules fall due, and invoke nothing'],
    [
      'jobsweep simulate scheduler --port 9300 --invoke URL --speed 60',
      'invoke the function at URL, an hour in a minute',
    ],
  ]);
};

async function serve({ port, invoke, speed }: Options, io: Io): Promise<ExitCode> {
  await using scheduler = await startScheduler({
    clock: scaledClock(speed, io.clock.now()),
    port,
    ...(invoke === undefined ? {} : { invokeUrl: invoke }),
    delivered: (delivery) => io.stderr.write(`${deliveryLine(delivery, invoke)}\n`),
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE' || error.code === 'EACCES')
      throw new InvalidSettingError(
        `--port ${port}: the port cannot be used (${error.code}); take another, or 0 for a free one`,
      );
    throw error;
  });
  io.stdout.write(`listening on ${scheduler.url}\n`);
  if (!io.signal.aborted) await once(io.signal, 'abort');
  return 0;
}

function deliveryLine({ name, scheduledTime, attempt, error }: Delivery, invoke: string | undefined): string {
  const what = `schedule ${name} of ${scheduledTime}, attempt ${attempt}`;
  if (error) return printable(`${what}: not delivered: ${error.message}`);
  return printable(invoke === undefined ? `${what}: fell due (no --invoke)` : `${what}: delivered`);
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number > 65_535)
    throw new InvalidArgumentError('expected a whole number from 0 to 65535');
  return number;
}

function factor(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number > 0 && number <= 1_000_000))
    throw new InvalidArgumentError('expected a number over 0, up to 1000000');
  return number;
}

function address(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError(
    `expected an http address such as http://127.0.0.1:3002/2015-03-31/functions/sweep/invocations, got ${quote(text)}`,
  );
}
