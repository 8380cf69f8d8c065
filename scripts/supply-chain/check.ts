/** @module Prints the lines of `npm run supply-chain`, and returns its exit code. */
import accepted from './accepted-advisories.json' with { type: 'json' };
import { type AuditAnswer, acceptedSchema, judgeAudit } from './audit.ts';
import type { Product } from './bundles.ts';
import { complaints, type SupplyChain } from './rules.ts';
import { licenceCounts } from './texts.ts';

/**
 * Checks the supply chain, and writes the result with `say`. If `audit` is given, also judges the advisories that it
 * returns. Returns the exit code: 1 if there is a problem, and 2 if the registry does not answer and there is no other
 * problem.
 */
export async function checkSupplyChain(
  chain: SupplyChain,
  say: (line: string) => void,
  audit?: () => Promise<AuditAnswer | string>,
): Promise<number> {
  for (const product of ['function', 'command'] satisfies Product[]) {
    const within = chain.packages.filter((each) => each.in[product] !== undefined);
    const direct = within.filter(({ importedFor }) => importedFor.includes(product));
    const licences = licenceCounts(within).map(([licence, number]) => `${licence} ${number}`);
    say(
      `the ${product}: ${direct.length} packages imported, ${within.length} in all: ${licences.join(', ')}`,
    );
  }
  const wrong = complaints(chain);
  const answer = await audit?.();
  if (typeof answer === 'string')
    say(`no audit was made, and nothing is known of advisories; npm says: ${answer}`);
  else if (answer !== undefined) {
    const today = new Date().toISOString().slice(0, 10);
    const judged = judgeAudit(answer, chain.packages, acceptedSchema.parse(accepted), today);
    for (const remark of judged.remarks) say(remark);
    if (judged.complaints.length === 0) say('no advisory against what is shipped');
    wrong.push(...judged.complaints);
  }
  for (const each of wrong) say(each);
  if (wrong.length > 0) return 1;
  if (typeof answer === 'string') return 2;
  say('nothing is wrong');
  return 0;
}
