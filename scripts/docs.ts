/**
 * @module Writes the generated pages: `docs/reference.md` from the code's schemas and unions, the marked regions of
 * `docs/figures.md` from the bench results, `docs/scanners.md` from the template's suppressions,
 * `docs/streams-and-signals.md` and `docs/fronts-and-clusters.md` from the tests' cases, and `docs/licences.md` from
 * the bundles. With `--check`, writes nothing and fails if a page is not up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { kibanaFiles, savedObjects } from '../deploy/kibana/saved-objects.ts';
import { figureRegions, figures } from './docs/figures.ts';
import { frontsPage } from './docs/fronts.ts';
import { filled } from './docs/markdown.ts';
import { reference } from './docs/reference.ts';
import { scannerRegions } from './docs/scanners.ts';
import { streamRegions } from './docs/stream-regions.ts';
import { streamsPage } from './docs/streams.ts';
import { terraformRegions } from './docs/terraform.ts';
import { metafiles } from './supply-chain/bundles.ts';
import { shippedPackages } from './supply-chain/packages.ts';
import { licencesPage } from './supply-chain/texts.ts';

const file = (name: string) => new URL(`../${name}`, import.meta.url);

function read(name: string): string {
  try {
    return readFileSync(file(name), 'utf8');
  } catch {
    return '';
  }
}

const texts: Record<string, string> = {
  [kibanaFiles.old]: savedObjects('old'),
  [kibanaFiles.new]: savedObjects('new'),
  'docs/reports-in-elasticsearch.md': filled(read('docs/reports-in-elasticsearch.md'), streamRegions),
  'docs/reference.md': await reference(),
  'docs/streams-and-signals.md': streamsPage(),
  'docs/fronts-and-clusters.md': frontsPage(),
  'docs/licences.md': licencesPage(shippedPackages(await metafiles())),
  'docs/scanners.md': filled(read('docs/scanners.md'), scannerRegions),
  'docs/figures.md': filled(read('docs/figures.md'), figureRegions),
  'deploy/terraform/README.md': filled(read('deploy/terraform/README.md'), await terraformRegions()),
  ...figures,
};
const stale = Object.entries(texts).filter(([name, text]) => read(name) !== text);
if (!process.argv.includes('--check')) for (const [name, text] of stale) writeFileSync(file(name), text);
else if (stale.length > 0) {
  const names = stale.map(([name]) => name).join(', ');
  process.stderr.write(`not current: ${names}; run \`npm run docs\`\n`);
  process.exitCode = 1;
}
