/** @module The rules for deployed and published packages. Each rule takes data and returns the problems. */
import { installHooks, type ShippedPackage } from './packages.ts';

/**
 * SPDX ids of licences that require nothing, or only that copies include the licence text or an attribution, and that
 * do not affect the surrounding code.
 */
export const allowedLicences: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
];

/** Licences whose text need not accompany a copy. */
export const requireNoText: readonly string[] = ['0BSD', 'MIT-0', 'Unlicense'];

const dependencyFields = [
  'dependencies',
  'devDependencies',
  'optionalDependencies',
  'peerDependencies',
] as const;

export interface SupplyChain {
  readonly packages: readonly ShippedPackage[];
  /** This project's package.json. */
  readonly manifest: {
    readonly scripts?: Readonly<Record<string, string>>;
  } & { readonly [field in (typeof dependencyFields)[number]]?: Readonly<Record<string, string>> };
  /** `packages` from the lock file. */
  readonly lock: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly integrity?: string;
        readonly resolved?: string;
        readonly hasInstallScript?: boolean;
      }
    >
  >;
  /** The packages with a row in `docs/packages.md`: those of the function, and those that only the command needs. */
  readonly rows: { readonly function: readonly string[]; readonly command: readonly string[] };
}

/** One sentence for each problem; empty if there are none. */
export function complaints(chain: SupplyChain): string[] {
  return [...ofPackages(chain), ...ofManifest(chain), ...ofLock(chain), ...ofRows(chain)];
}

function ofPackages({ packages, lock }: SupplyChain): string[] {
  return packages.flatMap(({ name, version, licence, folders, texts, installScripts }) => {
    const said: string[] = [];
    if (licence === undefined || !allowedLicences.includes(licence))
      said.push(`its licence is ${licence ?? 'unknown'}, which is not among those allowed`);
    // packages under Apache-2.0 need no text of their own, because our copy of that licence is shipped for them
    else if (texts.length === 0 && ![...requireNoText, 'Apache-2.0'].includes(licence))
      said.push('it is published, and has no licence text to go with it');
    if (installScripts.length > 0) said.push(`it runs ${installScripts.join(', ')} when it is installed`);
    for (const folder of folders) {
      const entry = lock[folder];
      if (entry === undefined) said.push(`package-lock.json has no ${folder}`);
      else if (entry.version !== version)
        said.push(`it is in ${folder}, where package-lock.json has ${entry.version}: run \`npm ci\``);
      if (entry?.hasInstallScript) said.push(`package-lock.json says that ${folder} has an install script`);
    }
    return said.map((each) => `${name} ${version}: ${each}`);
  });
}

function ofManifest({ manifest }: SupplyChain): string[] {
  const hooks = installHooks.filter((hook) => hook in (manifest.scripts ?? {}));
  const named = dependencyFields.flatMap((field) => Object.entries(manifest[field] ?? {}));
  return [
    ...hooks.map((hook) => `package.json: the script ${hook} would run wherever the command is installed`),
    ...named
      .filter(([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.-]+)?$/.test(version))
      .map(([name, version]) => `package.json: ${name} is not pinned, but ${version}`),
  ];
}

function ofLock({ lock }: SupplyChain): string[] {
  return Object.entries(lock).flatMap(([folder, { integrity, resolved }]) => {
    if (folder === '') return [];
    const said: string[] = [];
    if (!integrity?.startsWith('sha512-')) said.push('has no sha512 to check it by');
    if (resolved !== undefined) said.push(`names where it came from, ${resolved}`);
    return said.map((each) => `package-lock.json: ${folder} ${each}`);
  });
}

function ofRows({ packages, manifest, rows }: SupplyChain): string[] {
  const imported = packages.filter(({ importedFor }) => importedFor.length > 0);
  const declared = dependencyFields.flatMap((field) => Object.keys(manifest[field] ?? {}));
  const all = [...rows.function, ...rows.command];
  const namesFor = (...products: readonly string[]) =>
    imported
      .filter(({ importedFor }) => importedFor.some((each) => products.includes(each)))
      .map(({ name }) => name);
  return [
    ...namesFor('function', 'command')
      .filter((name) => !declared.includes(name))
      .map((name) => `package.json: ${name} is imported and not named`),
    ...namesFor('function')
      .filter((name) => !rows.function.includes(name))
      .map((name) => `docs/packages.md: no row of the function says what ${name} is for`),
    ...namesFor('command')
      .filter((name) => !all.includes(name))
      .map((name) => `docs/packages.md: no row says what ${name} is for`),
    ...rows.function
      .filter((name) => !namesFor('function').includes(name))
      .map((name) => `docs/packages.md: a row of the function for ${name}, which it does not import`),
    ...rows.command
      .filter((name) => !namesFor('command').includes(name))
      .map((name) => `docs/packages.md: a row of the command for ${name}, which it does not import`),
    ...all
      .filter((name, index) => all.indexOf(name) !== index)
      .map((name) => `docs/packages.md: more than one row for ${name}`),
  ];
}
