/**
 * @module Writes the type declarations that the package ships: those of `src/index.ts` and of all files that it
 * imports, directly or indirectly. They refer to no other package.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const importPattern = /(?:from |import\()'([^']+)'/g;
const requestFile = 'src/sweep/request/request-schema.d.ts';

/** Writes the declarations into the folder `out`. @throws if a declaration refers to another package */
export function writeDeclarations(root: string, out: string): void {
  const cache = path.join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const emitted = mkdtempSync(path.join(cache, 'types-'));
  try {
    emit(root, emitted);
    const read = (file: string) => readFileSync(path.join(emitted, file), 'utf8');
    const waiting = ['src/index.d.ts'];
    const seen = new Set(waiting);
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      const text =
        file === requestFile
          ? withoutSchema(read(file), read('scripts/build/request-types.d.ts'))
          : read(file);
      for (const [, specifier = ''] of text.matchAll(importPattern)) {
        if (!specifier.startsWith('.'))
          throw new Error(`${file} needs ${specifier}, which the package does not ship`);
        const target = path.join(path.dirname(file), specifier).replace(/\.ts$/, '.d.ts');
        if (!seen.has(target)) waiting.push(target);
        seen.add(target);
      }
      const written = path.join(out, path.relative('src', file));
      mkdirSync(path.dirname(written), { recursive: true });
      writeFileSync(
        written,
        text.replaceAll(importPattern, (found) => found.replace(/\.ts'$/, ".js'")),
      );
    }
  } finally {
    rmSync(emitted, { recursive: true });
  }
}

function emit(root: string, outDir: string): void {
  const config = path.join(outDir, 'tsconfig.json');
  const files = ['src/index.ts', 'scripts/build/request-types.ts'].map((file) => path.join(root, file));
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir,
    typeRoots: [path.join(root, 'node_modules/@types')],
  };
  writeFileSync(
    config,
    JSON.stringify({ extends: path.join(root, 'tsconfig.json'), compilerOptions, include: [], files }),
  );
  execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', config], {
    stdio: ['ignore', 2, 2],
  });
}

/**
 * Replaces the types that need zod in the request's declaration, `text`. The new types come from `spread`, which lists
 * all fields.
 */
function withoutSchema(text: string, spread: string): string {
  const type = (name: string) => {
    const found = new RegExp(`export declare const ${name}: ([\\s\\S]*?\\n\\});`).exec(spread)?.[1];
    if (found === undefined) throw new Error(`the declarations have no ${name}`);
    return found;
  };
  return text
    .replace("import * as z from 'zod/mini';\n", '')
    .replaceAll(
      /^(?:export )?declare const (?:followUpOf|requestSchema): [\s\S]*?\n\}, z\.core\.\$strict>;\n/gm,
      '',
    )
    .replace('z.output<typeof requestSchema>', () => type('sweepRequest'))
    .replace('z.input<typeof requestSchema>', () => type('requestPayload'))
    .replace('z.output<typeof followUpOf>', () => type('followUpOf'));
}
