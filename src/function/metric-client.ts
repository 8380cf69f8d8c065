/**
 * @module The only CloudWatch call that is used. It has a module of its own, so that the bundle omits the client's 43
 * other calls.
 */
export { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
