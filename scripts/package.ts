/**
 * @module Writes `dist/function.zip`, the function for deployments without the Serverless Framework, with its checksum
 * and bill of materials. The same commit gives the same bytes, so that anyone can check a release. With `--out FOLDER`,
 * writes into that folder instead of `dist`.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { billOfMaterials } from './package/bill-of-materials.ts';
import { functionZip } from './package/function-zip.ts';
import { root } from './supply-chain/bundles.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: path.join(root, 'dist') } } });
const name = 'function.zip';

const { zip, packages } = await functionZip();
const digest = createHash('sha256').update(zip).digest();

mkdirSync(values.out, { recursive: true });
const write = (file: string, content: string | Uint8Array) =>
  writeFileSync(path.join(values.out, file), content);
write(name, zip);
write(`${name}.sha256`, `${digest.toString('hex')}  ${name}\n`);
write(
  'function.cdx.json',
  `${JSON.stringify(billOfMaterials(packages, 'function', digest.toString('hex')), null, 2)}\n`,
);
process.stdout.write(
  [
    `${path.relative(process.cwd(), path.join(values.out, name))}: ${zip.length} bytes`,
    `SHA-256 ${digest.toString('hex')}`,
    // the format that Terraform (`source_code_hash`) and Lambda (CodeSha256) use
    `SHA-256 in base64 ${digest.toString('base64')}\n`,
  ].join('\n'),
);
