/** @module `npm run interruptions`: many random interruptions of real sweeps, several at once. */
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { atLeastOne, proofCommand, seedOption } from '../../proof/command-options.ts';
import { interrupt, interruptions, unnamed } from './random.ts';

const { cases, parallel, seed } = proofCommand(
  'npm run interruptions --',
  'Interrupts real sweeps at random moments and checks that each asked job is named afterwards.',
)
  .option('--cases <number>', 'how many', atLeastOne, 100)
  .option('--parallel <number>', 'how many at once', atLeastOne, 4)
  .addOption(seedOption())
  .parse()
  .opts<{ cases: number; parallel: number; seed: number }>();

const script = fileURLToPath(new URL('../../dist/jobsweep.js', import.meta.url));
const queue = fc.sample(interruptions, { numRuns: cases, seed }).entries();
const coverage: Record<string, number> = {};
const count = (what: string) => {
  coverage[what] = (coverage[what] ?? 0) + 1;
};
let failures = 0;

async function work(): Promise<void> {
  for (const [index, interruption] of queue) {
    const after = await interrupt(interruption, script);
    const missing = unnamed(interruption, after);
    if (missing.length > 0 || after.exit === 1) {
      failures += 1;
      process.stderr.write(
        `case ${index} of seed ${seed}: ${missing.join(', ')} asked and not named\n${JSON.stringify({ interruption, after: { ...after, asked: [...after.asked] } })}\n`,
      );
    }
    count(after.asked.size === 0 ? 'nothing was sent' : 'every asked job is named');
    count(after.exit === undefined ? 'killed' : `exit ${after.exit}`);
    for (const [incident] of interruption.incidents) count(`lost or sent: ${incident}`);
  }
}

const began = Date.now();
await Promise.all(Array.from({ length: parallel }, work));
const minutes = ((Date.now() - began) / 60_000).toFixed(1);
for (const [what, number] of Object.entries(coverage).sort(([a], [b]) => (a < b ? -1 : 1)))
  process.stdout.write(`${String(number).padStart(6)}  ${what}\n`);
process.stdout.write(`${cases} cases of seed ${seed} in ${minutes} minutes: ${failures} failed\n`);
process.exitCode = failures > 0 ? 1 : 0;
