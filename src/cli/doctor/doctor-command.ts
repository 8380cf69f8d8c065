/** @module `jobsweep doctor`: whether a cluster and the scheduler are fit for sweeping, and what to mend. */
import { examine } from '../../elasticsearch/examine.ts';
import type { CommandContext, Register } from '../command.ts';
import { readPayload } from '../input/payload.ts';
import { noticeOn, openTarget, type TargetOptions, withTargetOptions } from '../input/target.ts';
import { type ExitCode, widthOf } from '../io.ts';
import { inAllForms } from '../output/forms.ts';
import { checkOutput, type OutputOptions, withOutputOptions, writeResult } from '../output/output.ts';
import { clusterFindings } from './cluster-checks.ts';
import type { Finding } from './finding.ts';
import { doctorSheet, doctorText } from './findings-text.ts';
import { leastKeys, roleText } from './key-role.ts';
import { schedulerFindings } from './scheduler-checks.ts';

interface DoctorOptions extends TargetOptions, OutputOptions {
  readonly payload?: string;
  readonly printRole?: boolean;
}

export const registerDoctor: Register = (program, context) => {
  withOutputOptions(withTargetOptions(program.command('doctor')))
    .description(
      'check connection, privileges, upgrade mode, the server’s own idle closer, and the scheduler',
    )
    .option(
      '-p, --payload <file>',
      'a request as JSON, of which the cluster and idleFor are taken; - is standard input',
    )
    .option('--print-role', 'print the least API keys for planning, sweeping and advise, and check nothing')
    .action(
      context.action((options: DoctorOptions) =>
        options.printRole ? printRole(options, context) : run(options, context),
      ),
    );
};

async function run(options: DoctorOptions, { io, paint }: CommandContext): Promise<ExitCode> {
  const { request } = await readPayload(options.payload, io);
  await checkOutput(options);
  await using target = await openTarget(request.cluster, options, io);
  const { connection, clock } = target;
  const facts = await examine(connection, clock, io.signal, noticeOn(io));
  io.signal.throwIfAborted();
  const findings: Finding[] = [
    ...clusterFindings({ connection, facts, idleFor: request.idleFor, now: clock.now() }),
    ...(await schedulerFindings(io.env, io.clock, io.signal)),
  ];
  return await writeResult(
    inAllForms({
      text: () => doctorText(findings, { paint: paint('stdout'), width: widthOf(io.stdout) }),
      value: { cluster: request.cluster, findings },
      each: findings,
      sheet: () => doctorSheet(findings, request.cluster),
    }),
    options,
    io,
    { exit: findings.some(({ level }) => level === 'finding') ? 3 : 0 },
  );
}

async function printRole(options: DoctorOptions, { io }: CommandContext): Promise<ExitCode> {
  await checkOutput(options);
  // Somebody pastes this into a console, from a pipe as well: only who asks for JSON wants JSON.
  const output = options.output ?? (options.outputFile === undefined ? 'table' : undefined);
  const renderings = inAllForms({
    text: roleText,
    value: leastKeys,
    each: Object.values(leastKeys),
    sheet: () => ({
      title: 'The least API keys',
      lines: roleText()
        .split('\n')
        .filter((line) => line.startsWith('#')),
      tables: [
        {
          head: ['For', 'POST /_security/api_key'],
          rows: Object.entries(leastKeys).map(([name, body]) => [name, JSON.stringify(body)]),
        },
      ],
    }),
  });
  return await writeResult(renderings, { ...options, ...(output && { output }) }, io, { exit: 0 });
}
