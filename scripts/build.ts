/**
 * @module Builds what `npm pack` ships: the command with everything it needs in one folder, so that it installs without
 * a dependency, and the licences of what was built in.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const out = 'dist';
rmSync(out, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { jobsweep: 'src/cli/main.ts' },
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  keepNames: true,
  metafile: true,
  mainFields: ['module', 'main'],
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
});

const inPackage = /^.*node_modules\/(?:@[^/]+\/)?[^/]+\//;
const packages = new Set(Object.keys(metafile.inputs).flatMap((input) => inPackage.exec(input)?.[0] ?? []));
const apacheText = readFileSync('LICENSE', 'utf8').trim();
const notices = [...packages].sort().map((folder) => {
  const manifest = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as Record<string, string>;
  const { name, version, license } = manifest;
  const files = readdirSync(folder).filter((entry) => /^(licen[cs]e|notice)/i.test(entry));
  const texts = files.map((file) => readFileSync(`${folder}${file}`, 'utf8').trim());
  if (texts.length === 0 && license === 'Apache-2.0') texts.push(apacheText);
  if (texts.length === 0) throw new Error(`${name} is built in, and has no licence text to ship: ${license}`);
  return `${name} ${version}: ${license}\n\n${texts.join('\n\n')}\n`;
});
writeFileSync(`${out}/THIRD-PARTY-LICENSES.txt`, notices.join(`\n${'-'.repeat(80)}\n\n`));
