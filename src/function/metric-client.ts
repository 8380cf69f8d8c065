/**
 * @module The only CloudWatch command that is used. It has a module of its own, so that the bundle leaves out the
 * client's 43 other commands.
 */
export { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
