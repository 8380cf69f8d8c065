/**
 * @module The bill of materials of a bundle, as a CycloneDX document. It contains no date, so that the same commit
 * always gives the same document.
 */
import manifest from '../../package.json' with { type: 'json' };
import type { Product } from '../supply-chain/bundles.ts';
import type { ShippedPackage } from '../supply-chain/packages.ts';

/** The id of an npm package according to the Package URL specification. */
const purl = (name: string, version: string) =>
  `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}@${version}`;

/** The component for one package. The scope `optional` marks a package that may be built into another package. */
function component({ name, version, licence, in: products }: ShippedPackage, product: Product): object {
  const [group, own] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return {
    type: 'library',
    'bom-ref': purl(name, version),
    ...(group !== undefined && { group }),
    name: own,
    version,
    scope: products[product] === 'within' ? 'required' : 'optional',
    licenses: licence === undefined ? [] : [{ license: { id: licence } }],
    purl: purl(name, version),
  };
}

/** The bill of materials of one product. `sha256` is the hash of the product's file, in hexadecimal digits. */
export function billOfMaterials(
  packages: readonly ShippedPackage[],
  product: Product,
  sha256?: string,
): object {
  const { name, version, license } = manifest;
  const within = packages.filter((each) => each.in[product] !== undefined);
  const direct = within.filter(({ importedFor }) => importedFor.includes(product));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': purl(name, version),
        name,
        version,
        licenses: [{ license: { id: license } }],
        purl: purl(name, version),
        ...(sha256 !== undefined && { hashes: [{ alg: 'SHA-256', content: sha256 }] }),
      },
    },
    components: within.map((each) => component(each, product)),
    dependencies: [
      { ref: purl(name, version), dependsOn: direct.map((each) => purl(each.name, each.version)) },
    ],
  };
}
