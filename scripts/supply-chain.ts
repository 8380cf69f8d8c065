/**
 * @module Checks the deployed and published packages against `supply-chain/rules.ts`. With `--audit`, also fetches the
 * registry's advisories. Exits with 1 if there is a problem, and with 2 if the registry does not answer.
 */
import accepted from './supply-chain/accepted-advisories.json' with { type: 'json' };
import { acceptedSchema, fetchAudit, judgeAudit } from './supply-chain/audit.ts';
import type { Product } from './supply-chain/bundles.ts';
import { projectSupplyChain } from './supply-chain/project.ts';
import { complaints } from './supply-chain/rules.ts';
import { licenceCounts } from './supply-chain/texts.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

const chain = await projectSupplyChain();
for (const product of ['function', 'command'] satisfies Product[]) {
  const within = chain.packages.filter((each) => each.in[product] !== undefined);
  const direct = within.filter(({ importedFor }) => importedFor.includes(product));
  const licences = licenceCounts(within).map(([licence, number]) => `${licence} ${number}`);
  say(`the ${product}: ${direct.length} packages imported, ${within.length} in all: ${licences.join(', ')}`);
}
const wrong = complaints(chain);
if (process.argv.includes('--audit')) {
  const answer = await fetchAudit();
  if (typeof answer === 'string') {
    say(`no audit was made, and nothing is known of advisories; npm says: ${answer}`);
    process.exitCode = 2;
  } else {
    const today = new Date().toISOString().slice(0, 10);
    const audit = judgeAudit(answer, chain.packages, acceptedSchema.parse(accepted), today);
    for (const remark of audit.remarks) say(remark);
    if (audit.complaints.length === 0) say('no advisory against what is shipped');
    wrong.push(...audit.complaints);
  }
}
for (const each of wrong) say(each);
if (wrong.length > 0) process.exitCode = 1;
else if (process.exitCode === undefined) say('nothing is wrong');
