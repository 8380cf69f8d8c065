/**
 * @module `npm run policies`: prints the policy documents that a deployment needs, as JSON, for the people who create
 * its roles. See docs/deploying.md.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { policies } from '../deploy/policies.ts';
import { stageParameters } from '../deploy/stage-parameters.ts';
import { InvalidSettingError, JobsweepError } from '../src/base/errors.ts';

const usage =
  'npm run --silent policies -- --stage prod --region eu-central-1 --account 123456789012 [--param="NAME=VALUE"]…';

function main(): void {
  const { stage, region, account, param } = parseArgs({
    options: {
      stage: { type: 'string', default: 'prod' },
      region: { type: 'string', default: process.env.AWS_REGION ?? 'eu-central-1' },
      account: { type: 'string', default: '' },
      param: { type: 'string', multiple: true, default: [] },
    },
  }).values;
  if (!/^\d{12}$/.test(account))
    throw new InvalidSettingError(`--account: expected the 12 digits of an account, got "${account}"`);
  const given = param.map((each) => {
    const at = each.indexOf('=');
    if (at < 1) throw new InvalidSettingError(`--param: expected "NAME=VALUE", got "${each}"`);
    return [each.slice(0, at), each.slice(at + 1)] as const;
  });
  const root = path.join(import.meta.dirname, '..');
  const { service, parameters } = stageParameters(root, stage, Object.fromEntries(given));
  const made = policies({ service, stage, parameters, root }, { account, region });
  process.stdout.write(`${JSON.stringify(made, undefined, 2)}\n`);
}

try {
  main();
} catch (error) {
  if (!(error instanceof JobsweepError) && !(error as Error).message.startsWith('Unknown option'))
    throw error;
  process.stderr.write(`${(error as Error).message}\n${usage}\n`);
  process.exitCode = 2;
}
