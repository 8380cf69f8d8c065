/**
 * @module `jobsweep doctor`: checks whether a cluster and the scheduler are ready for sweeps, and reports what to fix.
 */
import { SecretUnreachableError } from '../../base/errors.ts';
import { urlOf } from '../../elasticsearch/connection.ts';
import { examine } from '../../elasticsearch/examine.ts';
import type { SweepRequest } from '../../sweep/request/request-schema.ts';
import {
  type AllClustersOptions,
  allClustersOf,
  type ClusterResult,
  onEach,
  withAllClusters,
  writeResults,
} from '../all-clusters.ts';
import type { CommandContext, Register } from '../command.ts';
import { withExamples } from '../help.ts';
import { readRequest } from '../input/payload.ts';
import { type RequestOptions, withRequestOptions } from '../input/request-flags.ts';
import { noticeOn, openTarget, type Target, withTargetOptions } from '../input/target.ts';
import { type ExitCode, type Io, widthOf } from '../io.ts';
import { inAllForms } from '../output/forms.ts';
import { checkOutput, type OutputOptions, withOutputOptions, writeResult } from '../output/output.ts';
import type { Paint } from '../output/paint.ts';
import { secretRead, secretsUnreachable } from './aws-hops.ts';
import { clusterFindings } from './cluster-checks.ts';
import type { Finding } from './finding.ts';
import { doctorSheet, doctorText } from './findings-text.ts';
import { hopFindings } from './hops.ts';
import { leastKeys, roleText } from './key-role.ts';
import { notifyFindings } from './notify-checks.ts';
import { reportFindings } from './report-checks.ts';
import { schedulerFindings } from './scheduler-checks.ts';

interface DoctorOptions extends RequestOptions, AllClustersOptions, OutputOptions {
  readonly printRole?: boolean;
}

export const registerDoctor: Register = (program, context) => {
  withExamples(
    withOutputOptions(withAllClusters(withTargetOptions(withRequestOptions(program.command('doctor')))))
      .description(
        'check connection, privileges, upgrade mode, the server’s own idle closer, the scheduler, and notifications',
      )
      .optionsGroup('Doctor:')
      .option(
        '--print-role',
        'print the smallest API keys for planning, sweeping and advise, and check nothing',
      )
      .action(
        context.action((options: DoctorOptions) =>
          options.printRole ? printRole(options, context) : run(options, context),
        ),
      ),
    [
      [
        'jobsweep doctor --idle-for 24h',
        'check the cluster of the environment for a sweep with that threshold',
      ],
      ['jobsweep doctor --print-role', 'the API keys to create for planning and for sweeping'],
    ],
  );
};

async function run(options: DoctorOptions, { io, paint }: CommandContext): Promise<ExitCode> {
  const { request } = await readRequest(options, io);
  await checkOutput(options);
  const stdout = paint('stdout');
  if (!options.allClusters) {
    const result = await examineOne(request, options, io, stdout);
    return await writeResult(result.renderings, options, io, result);
  }
  const known = await allClustersOf(options, request.cluster);
  const attempts = await onEach(known.names, options, io, (cluster, own) =>
    examineOne({ ...request, cluster }, { ...options, known }, own, stdout),
  );
  return await writeResults(attempts, options, io, stdout);
}

async function examineOne(
  request: SweepRequest,
  options: DoctorOptions,
  io: Io,
  paint: Paint,
): Promise<ClusterResult> {
  const { cluster } = request;
  const { title, findings, requests } = await findingsOf(request, options, io);
  const sheet = () => doctorSheet(findings, cluster, requests);
  return {
    exit: findings.some(({ level }) => level === 'finding') ? 3 : 0,
    title,
    renderings: inAllForms({
      text: () => doctorText(findings, { paint, width: widthOf(io.stdout), requests }),
      value: { cluster, findings, ...(requests.length > 0 && { reports: { requests } }) },
      each: findings,
      sheet,
    }),
    sheet,
  };
}

interface Examined {
  readonly title: string;
  readonly findings: readonly Finding[];
  /** The requests that prepare a cluster for storing reports in Elasticsearch. */
  readonly requests: Awaited<ReturnType<typeof reportFindings>>['requests'];
}

async function findingsOf(
  { cluster, idleFor, notify: wanted }: SweepRequest,
  options: DoctorOptions,
  io: Io,
): Promise<Examined> {
  let target: Target;
  try {
    target = await openTarget(cluster, options, io);
  } catch (error) {
    if (!(error instanceof SecretUnreachableError)) throw error;
    const findings = [
      ...(await secretsUnreachable(error, io.env, io.signal)),
      ...(await schedulerFindings(io.env, io.clock, io.signal)),
    ];
    return { title: cluster, findings, requests: [] };
  }
  await using opened = target;
  const { connection, clock, title, secretsRead } = opened;
  // The embedded cluster runs on this machine: there are no network hops to check.
  const hops = options.embedded
    ? []
    : await hopFindings(urlOf(connection), connection.route ?? {}, io.signal);
  const facts = await examine(connection, clock, io.signal, noticeOn(io));
  io.signal.throwIfAborted();
  // Sweeps of the embedded cluster send no notifications and store no reports.
  const notifications = options.embedded ? [] : await notifyFindings(io.env, wanted?.when, io.signal);
  const { findings: reports, requests } = options.embedded
    ? { findings: [], requests: [] }
    : await reportFindings(io.env, connection, { clock: io.clock, signal: io.signal });
  const findings: Finding[] = [
    ...secretsRead.map(secretRead),
    ...hops,
    ...clusterFindings({ connection, facts, idleFor, now: clock.now() }),
    ...(await schedulerFindings(io.env, io.clock, io.signal)),
    ...reports,
    ...notifications,
  ];
  return { title, findings, requests };
}

async function printRole(options: DoctorOptions, { io }: CommandContext): Promise<ExitCode> {
  await checkOutput(options);
  // The requests are meant to be pasted into a console, so the default is text, even if standard output is a pipe.
  const output = options.output ?? (options.outputFile === undefined ? 'table' : undefined);
  const renderings = inAllForms({
    text: roleText,
    value: leastKeys,
    each: Object.values(leastKeys),
    sheet: () => ({
      title: 'The smallest API keys',
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
