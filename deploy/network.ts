/**
 * @module How the function reaches the network: its VPC, its proxy, and the certificate authorities that it trusts in
 * addition to those that Node trusts.
 */
import * as z from 'zod';
import { InvalidSettingError } from '../src/base/errors.ts';
import { wayTo } from '../src/base/way-out.ts';
import { arn } from './cloudformation.ts';

const listed = (text: string): string[] =>
  text === 'none'
    ? []
    : text
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '');

/** A parameter with items that are separated by commas. An empty text or `none` means no items. */
function list(pattern: RegExp, max: number, what: string) {
  const error = `at most ${max} ${what}, separated by commas, or none`;
  return z
    .string({ error })
    .refine((text) => listed(text).length <= max && listed(text).every((each) => pattern.test(each)), {
      error,
    })
    .transform(listed);
}

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')], {
  error: 'true or false',
});

/** A value that CloudFormation replaces, such as `{{resolve:secretsmanager:proxy}}`. */
const isReference = (value: string): boolean => value.startsWith('{{resolve:');

const proxy = z.string({ error: 'the address of a proxy, or none' }).transform((text, context) => {
  const value = text.trim();
  if (value === '' || value === 'none') return undefined;
  if (isReference(value)) return value;
  // the message does not show the refused value, which may contain a password
  const refuse = (message: string) =>
    context.addIssue({ code: 'custom', message, input: 'a value not shown' });
  try {
    const { proxy: read } = wayTo(new URL('https://host.invalid'), { HTTPS_PROXY: value });
    if (read?.secrets.length)
      refuse(
        'an address without a password, which everyone could read in the template ({{resolve:secretsmanager:…}} keeps it in a secret)',
      );
  } catch (error) {
    if (!(error instanceof InvalidSettingError)) throw error;
    refuse(
      `an address such as http://proxy.example.com:3128, but it ${error.message.replace(/^.*?_PROXY /, '').replace(/: expected.*$/, '')}`,
    );
  }
  return value;
});

export const networkParameters = {
  extraCaCerts: z
    .string({ error: 'the path of a file' })
    .regex(/^$|^none$|^\/(var\/task|opt)\/[\w./-]+$/, {
      error: 'a path in the package (/var/task/…) or in a layer (/opt/…), or none',
    })
    .transform((value) => (value === '' || value === 'none' ? undefined : value)),
  httpProxy: proxy,
  httpsProxy: proxy,
  ipv6DualStack: flag,
  layerArns: list(
    /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]+:\d+$/,
    5,
    'ARNs of versions of layers',
  ),
  noProxy: z
    .string({ error: 'hosts, separated by commas' })
    .transform((value) => (value.trim() === '' || value === 'none' ? undefined : value.trim())),
  securityGroupIds: list(/^sg-([\da-f]{8}|[\da-f]{17})$/, 5, 'ids such as sg-0a1b2c3d4e5f67890'),
  subnetIds: list(/^subnet-([\da-f]{8}|[\da-f]{17})$/, 16, 'ids such as subnet-0a1b2c3d4e5f67890'),
};

type Network = {
  readonly [name in keyof typeof networkParameters]: z.output<(typeof networkParameters)[name]>;
};

/** Problems with network parameters that need another parameter, which is not set. */
export function networkConflicts({
  subnetIds,
  securityGroupIds,
  ipv6DualStack,
  noProxy,
  ...rest
}: Network): string[] {
  const missing = (name: string, other: string) =>
    `param ${name}: expected ids, because ${other} has some, got none; a VPC needs both, or neither`;
  return [
    ...(subnetIds.length > 0 && securityGroupIds.length === 0
      ? [missing('securityGroupIds', 'subnetIds')]
      : []),
    ...(securityGroupIds.length > 0 && subnetIds.length === 0
      ? [missing('subnetIds', 'securityGroupIds')]
      : []),
    ...(ipv6DualStack && subnetIds.length === 0
      ? ['param ipv6DualStack: has no effect without subnetIds and securityGroupIds; leave it out']
      : []),
    ...(noProxy !== undefined && rest.httpsProxy === undefined && rest.httpProxy === undefined
      ? ['param noProxy: has no effect without httpsProxy or httpProxy; leave it out']
      : []),
  ];
}

/** The function's VPC, in the format of the framework; null if there is none. */
export const vpcOf = ({ subnetIds, securityGroupIds, ipv6DualStack }: Network) =>
  subnetIds.length === 0
    ? null
    : { subnetIds, securityGroupIds, ...(ipv6DualStack && { ipv6AllowedForDualStack: true }) };

export function networkEnvironment(network: Network): Record<string, string> {
  const { httpsProxy, httpProxy, noProxy, extraCaCerts, subnetIds, securityGroupIds } = network;
  return {
    ...(httpsProxy !== undefined && { HTTPS_PROXY: httpsProxy }),
    ...(httpProxy !== undefined && { HTTP_PROXY: httpProxy }),
    ...(noProxy !== undefined && { NO_PROXY: noProxy }),
    ...(extraCaCerts !== undefined && { NODE_EXTRA_CA_CERTS: extraCaCerts }),
    ...(subnetIds.length > 0 && {
      JOBSWEEP_VPC_SUBNETS: subnetIds.join(','),
      JOBSWEEP_VPC_SECURITY_GROUPS: securityGroupIds.join(','),
    }),
  };
}

/** The actions that the function's role must allow, so that Lambda can attach the function to a VPC. */
const interfaceActions = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * The permissions to attach the function to a VPC. Lambda uses the function's own role for this. The second statement
 * denies the same actions to the function's code: only requests from the code have the context key
 * `lambda:SourceFunctionArn`.
 */
export const vpcStatements = (functionName: string, { subnetIds }: Network) =>
  subnetIds.length === 0
    ? []
    : [
        { Effect: 'Allow' as const, Action: interfaceActions, Resource: '*' },
        {
          Effect: 'Deny' as const,
          Action: interfaceActions,
          Resource: '*',
          Condition: {
            ArnEquals: { 'lambda:SourceFunctionArn': arn('lambda', `function:${functionName}`) },
          },
        },
      ];
