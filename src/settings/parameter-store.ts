/**
 * @module The only Parameter Store call that is used. It has a module of its own, so that the bundle omits the client's
 * 145 other calls.
 */
export { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
