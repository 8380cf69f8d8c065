/**
 * @module Checks a CloudFormation template without a network. AWS's resource specification gives names, types and
 * required properties. Ranges, enums, patterns and limits are not in the specification, so they come from our own
 * table.
 */
import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';
import { type CheckedTemplate, limitProblems, stackProblems } from './template-limits.ts';

const specification = await loadAwsServiceSpec();
type Attributes = Readonly<Record<string, unknown>>;
interface Property {
  readonly type: PropertyType;
  readonly required?: boolean;
}
type Properties = Readonly<Record<string, Property>>;
type PropertyType =
  | { readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'json' | 'date-time' | 'tag' | 'null' }
  | { readonly type: 'array' | 'map'; readonly element: PropertyType }
  | { readonly type: 'ref'; readonly reference: { readonly $ref: string } }
  | { readonly type: 'union'; readonly types: readonly PropertyType[] };

interface ResourceType {
  readonly attributes: Attributes;
  readonly properties: Properties;
  readonly isTaggable: boolean;
}

function resourceType(name: string): ResourceType | undefined {
  const [found] = specification.lookup('resource', 'cloudFormationType', 'equals', name);
  return (
    found && {
      attributes: found.attributes as Attributes,
      properties: found.properties as unknown as Properties,
      isTaggable: found.tagInformation !== undefined,
    }
  );
}

/** The logical ids of the resources that can have tags. */
export const taggable = (template: CheckedTemplate): readonly string[] =>
  Object.entries(template.Resources)
    .filter(([, { Type }]) => resourceType(Type)?.isTaggable)
    .map(([id]) => id);

/** Everything that CloudFormation or a service would refuse, each with its path in the template. */
export function findings(template: CheckedTemplate): readonly string[] {
  const found: string[] = [...stackProblems(template)];
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    const type = resourceType(Type);
    if (type === undefined) found.push(`${id}: ${Type} is an unknown type`);
    else
      found.push(...objectProblems(Properties, type.properties, id), ...limitProblems(Type, Properties, id));
  }
  for (const [place, reference] of references(template)) {
    const problem = referenceProblem(reference, template);
    if (problem !== undefined) found.push(`${place}: ${problem}`);
  }
  return found;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The name of the intrinsic function, such as `Ref` or `Fn::Sub`; undefined for any other value. */
function intrinsic(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const [name, ...others] = Object.keys(value);
  return others.length === 0 && (name === 'Ref' || name?.startsWith('Fn::')) ? name : undefined;
}

const isNoValue = (value: unknown) => isObject(value) && value.Ref === 'AWS::NoValue';

function objectProblems(value: unknown, properties: Properties, place: string): string[] {
  if (!isObject(value)) return [`${place}: expected an object, got ${JSON.stringify(value)}`];
  const unknown = Object.keys(value)
    .filter((name) => !(name in properties))
    .map((name) => `${place}.${name}: unknown property`);
  const missing = Object.entries(properties)
    .filter(([name, { required }]) => required && (value[name] === undefined || isNoValue(value[name])))
    .map(([name]) => `${place}.${name}: required, but missing`);
  const inner = Object.entries(value).flatMap(([name, each]) => {
    const property = properties[name];
    return property === undefined ? [] : valueProblems(each, property.type, `${place}.${name}`);
  });
  return [...unknown, ...missing, ...inner];
}

function valueProblems(value: unknown, type: PropertyType, place: string): string[] {
  const name = intrinsic(value);
  if (name === 'Fn::If')
    return (value as { 'Fn::If': unknown[] })['Fn::If']
      .slice(1)
      .flatMap((branch) => valueProblems(branch, type, place));
  if (name !== undefined) return [];
  switch (type.type) {
    case 'array':
      if (!Array.isArray(value)) return wrong(value, 'a list', place);
      return value.flatMap((each, index) => valueProblems(each, type.element, `${place}[${index}]`));
    case 'map':
      if (!isObject(value)) return wrong(value, 'a map', place);
      return Object.entries(value).flatMap(([key, each]) =>
        valueProblems(each, type.element, `${place}.${key}`),
      );
    case 'ref': {
      const { properties } = specification.get('typeDefinition', type.reference.$ref);
      return objectProblems(value, properties as unknown as Properties, place);
    }
    case 'union':
      // among the alternative types, reports the problems of the one with the fewest
      return (
        type.types
          .map((each) => valueProblems(value, each, place))
          .toSorted((one, other) => one.length - other.length)[0] ?? []
      );
    case 'tag':
      return tagProblems(value, place);
    default:
      return scalarProblems(value, type.type, place);
  }
}

const wrong = (value: unknown, expected: string, place: string) => [
  `${place}: expected ${expected}, got ${JSON.stringify(value)}`,
];

function tagProblems(value: unknown, place: string): string[] {
  const { Key, Value, ...others } = isObject(value) ? value : {};
  return typeof Key === 'string' && typeof Value === 'string' && Object.keys(others).length === 0
    ? []
    : wrong(value, 'a tag with Key and Value', place);
}

function scalarProblems(value: unknown, type: string, place: string): string[] {
  const fits: Readonly<Record<string, boolean>> = {
    string: typeof value === 'string',
    'date-time': typeof value === 'string' && !Number.isNaN(Date.parse(value)),
    integer: Number.isInteger(value),
    number: typeof value === 'number',
    boolean: typeof value === 'boolean',
    json: isObject(value) || typeof value === 'string',
    null: value === null,
  };
  return fits[type] === true ? [] : wrong(value, `a value of type ${type}`, place);
}

/** A reference of the template to a resource or one of its attributes. */
interface Reference {
  readonly id: string;
  readonly attribute?: string;
}

/** Every reference by Ref, Fn::GetAtt, Fn::Sub, Fn::If and DependsOn, with its path in the template. */
function* references(value: unknown, place = ''): Generator<[string, Reference]> {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) yield* references(each, `${place}[${index}]`);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    const at = place === '' ? name : `${place}.${name}`;
    if (name === 'Ref') yield [at, { id: String(inner) }];
    else if (name === 'Fn::GetAtt') {
      const [id = '', attribute = ''] = inner as readonly string[];
      yield [at, { id, attribute }];
    } else if (name === 'Fn::Sub')
      for (const [, id = '', attribute] of String(inner).matchAll(/\$\{([^.}]+)(?:\.([^}]+))?\}/g))
        yield [at, attribute === undefined ? { id } : { id, attribute }];
    else if (name === 'DependsOn') for (const id of [inner].flat()) yield [at, { id: String(id) }];
    else yield* references(inner, at);
  }
}

const pseudo = ['AccountId', 'NoValue', 'Partition', 'Region', 'StackId', 'StackName', 'URLSuffix'].map(
  (name) => `AWS::${name}`,
);

function referenceProblem({ id, attribute }: Reference, { Resources }: CheckedTemplate): string | undefined {
  if (attribute === undefined && pseudo.includes(id)) return undefined;
  const target = Resources[id];
  if (target === undefined) return `refers to ${id}, which does not exist`;
  if (attribute === undefined) return undefined;
  const attributes = resourceType(target.Type)?.attributes ?? {};
  return attribute in attributes ? undefined : `${id} has no attribute ${attribute}`;
}
