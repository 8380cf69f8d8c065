/**
 * @module Checks the deployed and published packages against `supply-chain/rules.ts`. With `--audit`, also fetches the
 * registry's advisories. Exits with 1 if there is a problem, and with 2 if the registry does not answer.
 */
import { fetchAudit } from './supply-chain/audit.ts';
import { checkSupplyChain } from './supply-chain/check.ts';
import { projectSupplyChain } from './supply-chain/project.ts';

process.exitCode = await checkSupplyChain(
  await projectSupplyChain(),
  (line) => process.stdout.write(`${line}\n`),
  process.argv.includes('--audit') ? fetchAudit : undefined,
);
