/**
 * @module Tests a property with random interruptions: after any signal or lost stream, every job that a close request
 * named is also named in a report or in the notes of the killed sweep.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { pastSweepsIn } from '../../src/cli/input/past-sweeps.ts';
import { type Aftermath, type Incident, incidents, type Sink, Victim } from './victim.ts';

export interface Interruption {
  readonly terminal: boolean;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly form: 'json' | 'ndjson' | 'table' | 'html';
  readonly toFile: boolean;
  readonly wait: boolean;
  readonly closeTakes: readonly string[];
  /**
   * Each incident with its delay in milliseconds. The first delay counts from the first request, the second one from
   * the first incident.
   */
  readonly incidents: readonly (readonly [Incident, number])[];
}

/**
 * Whether no record of the jobs is left. Without the state directory the notes are lost, so only the command's own
 * output can name the jobs. What a terminal shows does not count, because it cannot be read back as a report.
 */
function losesEveryTrace({ incidents: all, stdout, stderr, toFile, terminal }: Interruption): boolean {
  const has = (...names: readonly Incident[]) => all.some(([incident]) => names.includes(incident));
  if (!has('state')) return false;
  const resultIsLost = toFile ? has('output') : stdout === 'full' || has('stdout', 'both');
  const errorIsLost = stderr === 'full' || has('stderr', 'both');
  return terminal || has('SIGKILL', 'SIGQUIT') || (resultIsLost && errorIsLost);
}

export const interruptions: fc.Arbitrary<Interruption> = fc
  .record({
    terminal: fc.boolean(),
    stdout: fc.constantFrom<Sink>('pipe', 'pipe', 'pipe', 'full'),
    stderr: fc.constantFrom<Sink>('pipe', 'pipe', 'pipe', 'full'),
    form: fc.constantFrom('json' as const, 'ndjson' as const, 'table' as const, 'html' as const),
    toFile: fc.boolean(),
    wait: fc.boolean(),
    closeTakes: fc.array(fc.constantFrom('1ms', '100ms', '400ms', '900ms', '20m'), {
      minLength: 1,
      maxLength: 8,
    }),
    incidents: fc.array(fc.tuple(fc.constantFrom(...incidents), fc.integer({ min: 0, max: 1_800 })), {
      minLength: 1,
      maxLength: 2,
    }),
  })
  .filter((interruption) => !losesEveryTrace(interruption));

/** Runs one case with the built command at `script`. */
export async function interrupt(
  { terminal, stdout, stderr, form, toFile, wait, closeTakes, incidents: all }: Interruption,
  script: string,
): Promise<Aftermath> {
  const args = [
    'sweep',
    '--yes',
    '-o',
    form,
    ...(wait ? ['--wait'] : []),
    ...(toFile ? ['--output-file', 'OUTPUT'] : []),
    '--deadline',
    '6s',
    '-p',
    'PAYLOAD',
  ];
  await using victim = await Victim.start({ args, terminal, stdout, stderr, closeTakes, script });
  await victim.reaches('start');
  for (const [incident, delayMs] of all) {
    await sleep(delayMs);
    victim.do(incident);
  }
  // a slow close could take hours, so a signal ends the sweep after nine seconds
  const timer = setTimeout(() => victim.do('SIGTERM'), 9_000);
  try {
    return await victim.ends();
  } finally {
    clearTimeout(timer);
  }
}

/** The jobs that a close request named and that no output names afterwards. */
export function unnamed(
  { terminal, form }: Interruption,
  { stdout, stderr, kept, output = '', asked }: Aftermath,
): string[] {
  const named = new Set(
    [stdout, stderr, output, ...kept].flatMap((text) =>
      pastSweepsIn(text).flatMap(({ jobs }) =>
        jobs.filter(({ outcome }) => outcome !== 'kept').map(({ jobId }) => jobId),
      ),
    ),
  );
  // a table or an HTML page counts only if it is complete
  const shown = terminal || (form !== 'table' && form !== 'html') ? '' : `${stdout}${output}`;
  const isWhole = /<\/html>|jobs? listed of/.test(shown);
  return [...asked].filter((jobId) => !named.has(jobId) && !(isWhole && shown.includes(jobId)));
}
