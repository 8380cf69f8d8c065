/**
 * @module The only Parameter Store command that is used. It has a module of its own, so that the bundle leaves out the
 * client's 145 other commands.
 */
export { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
