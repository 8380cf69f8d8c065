import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type CommandOptions, type CommandResult, runCommand } from './run-command.ts';
import { functionArn, queueArn, roleArn, type SchedulerBench, schedulerBench } from './scheduler.ts';

export interface SchedulesBench extends SchedulerBench {
  /** Runs `jobsweep schedules …` against the embedded Scheduler. */
  run(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs `jobsweep schedules … -f FILE`, where the file contains `text`. */
  withFile(
    text: string,
    args: readonly string[],
    options?: CommandOptions & { readonly name?: string },
  ): Promise<CommandResult>;
}

/** An embedded Scheduler, and the command, which finds the Scheduler by the SDK's own environment variables. */
export async function schedulesBench(
  options: Parameters<typeof schedulerBench>[0] = {},
): Promise<SchedulesBench> {
  const bench = await schedulerBench(options);
  const folder = await mkdtemp(join(tmpdir(), 'jobsweep-'));
  vi.stubEnv('AWS_ENDPOINT_URL_SCHEDULER', bench.scheduler.url);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
  const env = {
    JOBSWEEP_SCHEDULE_GROUP: 'sweeps',
    JOBSWEEP_FUNCTION_ARN: functionArn,
    JOBSWEEP_SCHEDULER_ROLE_ARN: roleArn,
    JOBSWEEP_DLQ_ARN: queueArn,
  };
  const run: SchedulesBench['run'] = (args, given) =>
    runCommand(['schedules', ...args], { clock: bench.clock, env, ...given });
  return {
    ...bench,
    run,
    withFile: async (text, [command = '', ...args], { name = 'schedules.yml', ...given } = {}) => {
      const file = join(folder, name);
      await writeFile(file, text);
      const result = await run([command, '-f', file, ...args], given);
      // Messages contain the file's path, which is different in each run.
      return { ...result, stderr: result.stderr.replaceAll(file, name) };
    },
    [Symbol.asyncDispose]: async () => {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
      await bench[Symbol.asyncDispose]();
    },
  };
}
