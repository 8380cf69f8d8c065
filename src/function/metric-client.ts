/** @module The one call to CloudWatch. A module of its own, so that the bundle holds only this call: the client has 44. */
export { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
