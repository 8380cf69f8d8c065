/**
 * @module The AWS provider's schema (version 6.25.0) for the types that the module uses: arguments, blocks and
 * attributes. Taken from the bindings `@cdktf/provider-aws` 21.22.1, which are too large to install for a test.
 */
import provider from './aws-provider.json' with { type: 'json' };

interface Block {
  readonly use?: string;
  /** For each argument, `required` or `optional`; for a nested block, the schema of that block. */
  readonly arguments: Readonly<Record<string, string | Block>>;
  readonly attributes?: readonly string[];
}

const types = provider as unknown as Readonly<Record<string, Block>>;

export const hasAttribute = (type: string, attribute: string): boolean =>
  types[type] !== undefined &&
  (attribute in types[type].arguments || types[type].attributes?.includes(attribute) === true);

const meta = ['for_each', 'depends_on', 'lifecycle'];

/**
 * The mistakes in a block: unknown or missing arguments, a block in place of an argument, or an argument in place of a
 * block.
 */
export function wrongArguments(type: string, body: Readonly<Record<string, unknown>>): string[] {
  const known = types[type];
  return known === undefined ? [`${type} is not in aws-provider.json`] : wrongIn(type, known, body);
}

function wrongIn(where: string, known: Block, body: Readonly<Record<string, unknown>>): string[] {
  const { dynamic = {}, ...own } = body;
  const made = Object.entries(
    dynamic as Readonly<Record<string, readonly { readonly content: readonly unknown[] }[]>>,
  );
  const given: [string, unknown][] = [
    ...Object.entries(own),
    ...made.map(([name, blocks]): [string, unknown] => [name, blocks.flatMap(({ content }) => content)]),
  ];
  const wrong = given.flatMap(([name, value]) => {
    const what = known.arguments[name];
    if (meta.includes(name) && where === where.split('.')[0]) return [];
    if (what === undefined) return [`${where} has no argument ${name}`];
    const isBlock = Array.isArray(value) && value.some((each) => typeof each === 'object');
    if (isBlock !== (typeof what === 'object')) return [`${where}.${name} is ${isBlock ? 'no' : 'a'} block`];
    if (typeof what === 'string') return [];
    return (value as Readonly<Record<string, unknown>>[]).flatMap((each) =>
      wrongIn(`${where}.${name}`, what, each),
    );
  });
  const names = given.map(([name]) => name);
  const missing = Object.entries(known.arguments)
    .filter(
      ([name, what]) => (typeof what === 'string' ? what : what.use) === 'required' && !names.includes(name),
    )
    .map(([name]) => `${where} lacks ${name}`);
  return [...wrong, ...missing];
}

/**
 * The names of a resource's attributes, whose values only AWS knows, and of arguments, such as `name`, that AWS fills
 * in if the module does not set them.
 */
export const attributesOf = (type: string): readonly string[] => [
  ...(types[type]?.attributes ?? []),
  ...Object.keys(types[type]?.arguments ?? {}).filter((name) =>
    ['name', 'id', 'region', 'key_id'].includes(name),
  ),
];
