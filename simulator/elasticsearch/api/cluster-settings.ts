/** @module `_cluster/settings`. Settings outside machine learning are stored and have no effect. */
import { badRequest, validation } from '../errors.ts';
import { type Route, route } from '../http/call.ts';
import type { JsonObject, ObjectParser } from '../http/object-parser.ts';
import { wildcard } from '../state/expressions.ts';
import { reassign } from '../state/relocation.ts';
import type { Layer } from '../state/settings.ts';

const parser: ObjectParser = {
  name: 'cluster_update_settings_request',
  fields: { persistent: 'object', transient: 'object' },
};

export const clusterSettingsRoutes: readonly Route[] = [
  route(
    'cluster.get_settings',
    'GET',
    '/_cluster/settings',
    ['monitor', 'cluster:monitor/settings'],
    ({ query, context: { cluster } }) => {
      const flat = query.flag('flat_settings', false);
      const withDefaults = query.flag('include_defaults', false);
      query.ignore('timeout', 'master_timeout', 'local');
      return () => {
        const { settings } = cluster;
        const layer = (values: Iterable<readonly [string, string]>) =>
          flat ? Object.fromEntries(values) : nested(values);
        const set = (name: string) =>
          settings.layer('persistent').has(name) || settings.layer('transient').has(name);
        return {
          body: {
            persistent: layer(settings.layer('persistent')),
            transient: layer(settings.layer('transient')),
            ...(withDefaults && {
              defaults: layer(
                settings.names.filter((name) => !set(name)).map((name) => [name, settings.defaultOf(name)]),
              ),
            }),
          },
        };
      };
    },
  ),
  route(
    'cluster.put_settings',
    'PUT',
    '/_cluster/settings',
    ['manage', 'cluster:admin/settings/update'],
    ({ body, query, context: { cluster } }) => {
      const flat = query.flag('flat_settings', false);
      query.ignore('timeout', 'master_timeout');
      const given = body.read(parser);
      return () => {
        const changes = (['persistent', 'transient'] as const).map(
          (layer) => [layer, [...flattened(given[layer] as JsonObject | undefined)]] as const,
        );
        if (changes.every(([, settings]) => settings.length === 0))
          throw validation('Validation Failed: 1: no settings to update;');
        const applied = changes.map(([layer, settings]) => [layer, apply(layer, settings)] as const);
        reassign(cluster);
        cluster.onSettings();
        return { body: { acknowledged: true, ...Object.fromEntries(applied) } };

        function apply(layer: Layer, settings: readonly (readonly [string, string | null])[]): object {
          const result: [string, string][] = [];
          for (const [name, value] of settings) {
            if (name.includes('*')) {
              if (value !== null) throw badRequest(`a wildcard can only be removed: [${name}]`);
              cluster.settings.clear(layer, wildcard(name));
            } else {
              cluster.settings.set(layer, name, value);
              if (value !== null) result.push([name, value]);
            }
          }
          return flat ? Object.fromEntries(result) : nested(result);
        }
      };
    },
  ),
];

/** `{a: {b: 1}}` and `{"a.b": 1}` are the same setting. */
function* flattened(value: JsonObject = {}, prefix = ''): Generator<readonly [string, string | null]> {
  for (const [key, entry] of Object.entries(value)) {
    const name = prefix + key;
    if (entry === null) yield [name, null];
    else if (Array.isArray(entry)) yield [name, entry.join(',')];
    else if (typeof entry === 'object') yield* flattened(entry as JsonObject, `${name}.`);
    else yield [name, `${entry as string | number | boolean}`];
  }
}

function nested(values: Iterable<readonly [string, string]>): JsonObject {
  const result: JsonObject = {};
  for (const [name, value] of values) {
    const parts = name.split('.');
    let at = result;
    for (const part of parts.slice(0, -1)) {
      if (typeof at[part] !== 'object') at[part] = {};
      at = at[part] as JsonObject;
    }
    at[parts.at(-1) ?? name] = value;
  }
  return result;
}
