/**
 * @module The one call to Parameter Store. A module of its own, so that the bundle holds only this call: the whole client
 * has 146.
 */
export { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
