'use strict';
/**
 * Connects `serverless.yml` with `template.ts`. The framework loads only CommonJS. The rest is TypeScript, which Node
 * runs directly from 22.18 on.
 */
const path = require('node:path');

const names = [
  'alarmTopicArn',
  'clusters',
  'clustersSecret',
  'extraCaCerts',
  'httpProxy',
  'httpsProxy',
  'ipv6DualStack',
  'layerArns',
  'logRetentionDays',
  'maximumEventAge',
  'memorySize',
  'missingAfterHours',
  'noProxy',
  'notifyEventBusArn',
  'notifyTopicArn',
  'notifyTopicKeyArn',
  'notifyWhen',
  'reportsNamespace',
  'reportsSecret',
  'reservedConcurrency',
  'scheduleGroup',
  'schedules',
  'schedulesBy',
  'secret',
  'secretKeyArn',
  'secretPrefix',
  'securityGroupIds',
  'subnetIds',
  'successDestinationArn',
];

module.exports = async ({ resolveVariable }) => {
  if (!process.features.typescript)
    throw new Error(
      `node ${process.version} cannot read TypeScript: start the framework as \`npx sls\`, which takes the project's own node`,
    );
  const parameters = {};
  for (const name of names) parameters[name] = await resolveVariable(`param:${name}`);
  const { template } = await import('./template.ts');
  const { warnings, ...parts } = template({
    service: await resolveVariable('self:service'),
    stage: await resolveVariable('sls:stage'),
    parameters,
    root: path.join(__dirname, '..'),
    now: Date.now(),
  });
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`);
  return parts;
};
