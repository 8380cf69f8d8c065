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
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as Record<
    string,
    string
  >;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(`${folder}${file}`, 'utf8').trim() : 'no licence text in the package';
  return `${name} ${version}: ${license}\n\n${text}\n`;
});
writeFileSync(`${out}/THIRD-PARTY-LICENSES.txt`, notices.join(`\n${'-'.repeat(80)}\n\n`));
