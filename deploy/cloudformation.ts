/** @module Types for the parts of a CloudFormation template that this project writes. */

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Metadata?: object;
}

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

export type Resources = Record<string, Resource>;

export const getArn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
export const sub = (text: string) => ({ 'Fn::Sub': text });

/** An ARN in the stack's account and region. CloudFormation fills in each `\${…}`. */
export const arn = (service: string, resource: string) =>
  sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`);

/** The ARN of the role with which schedules invoke the function: an existing role, or the stack's own. */
export const schedulerRoleArn = (parameters: { readonly schedulerRoleArn: string | undefined }) =>
  parameters.schedulerRoleArn ?? getArn('SchedulerRole');
