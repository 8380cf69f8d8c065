/**
 * @module What `doctor` reports if an AWS service cannot be reached: a finding for each network hop to the service, and
 * one for the failed request.
 */

import type { SchedulerError, SecretUnreachableError } from '../../base/errors.ts';
import { wayToAws } from '../../base/way-to-aws.ts';
import type { Environment } from '../../settings/environment.ts';
import { parameterMark, secretTitle } from '../../settings/find-connection.ts';
import { type Finding, finding, note, ok } from './finding.ts';
import { hopFindings } from './hops.ts';

const secretCheck = (isParameter: boolean): string => (isParameter ? 'Parameter Store' : 'Secrets Manager');

/** The finding for a secret that could be read. */
export const secretRead = (name: string): Finding =>
  ok(secretCheck(name.startsWith(parameterMark)), `${secretTitle(name)} was read`);

export async function secretsUnreachable(
  { message }: SecretUnreachableError,
  environment: Environment,
  signal: AbortSignal,
): Promise<Finding[]> {
  const isParameter = message.includes('Parameter Store cannot be reached');
  const way = wayToAws(isParameter ? 'ssm' : 'secretsmanager', environment);
  const check = secretCheck(isParameter);
  const [what = message, advice = ''] = message.split('; nothing was closed. ');
  return [
    ...(await hopFindings(way.url, way, signal, `${check}: `)),
    finding(check, what, advice),
    note('connection', 'not checked: the address of the cluster is in the secret'),
  ];
}

export async function schedulerUnreachable(
  { message }: SchedulerError,
  environment: Environment,
  signal: AbortSignal,
): Promise<Finding[]> {
  const way = wayToAws('scheduler', environment);
  const [what = message] = message.split('; ');
  return [
    ...(await hopFindings(way.url, way, signal, 'Scheduler: ')),
    finding('schedule group', what, way.adviceOn(what)),
  ];
}
