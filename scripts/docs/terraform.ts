/** @module The tables in the Terraform module's README, from the module's files. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from '@cdktf/hcl2json';
import { table } from './markdown.ts';

const folder = path.join(import.meta.dirname, '../../deploy/terraform');

interface Documented {
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
}

const read = async (file: string, block: string) => {
  const parsed = await parse(file, readFileSync(path.join(folder, file), 'utf8'));
  return Object.entries((parsed[block] ?? {}) as Record<string, readonly [Documented]>);
};

const oneLine = (text: string) => text.trim().replaceAll(/\s+/g, ' ');
const code = (text: string) => `\`${text}\``;

/** A type as written in the source, without the characters that the parser adds. */
const typeText = (type = '') => code(oneLine(type.replace(/^\$\{([\s\S]*)\}$/, '$1')));

/** The marked regions in `deploy/terraform/README.md`. */
export async function terraformRegions(): Promise<Record<string, string>> {
  const inputs = (await read('variables.tf', 'variable')).map(([name, [variable]]) => [
    code(name),
    oneLine(variable.description ?? ''),
    typeText(variable.type),
    'default' in variable ? code(JSON.stringify(variable.default)) : 'required',
  ]);
  const outputs = (await read('outputs.tf', 'output')).map(([name, [output]]) => [
    code(name),
    oneLine(output.description ?? ''),
  ]);
  return {
    inputs: table(['input', 'description', 'type', 'default'], inputs),
    outputs: table(['output', 'description'], outputs),
  };
}
