/** @module The cluster settings that machine learning reads. Transient settings override persistent ones, which override defaults. */
import { illegalArgument } from '../errors.ts';
import { parseByteSize, parseTimeValue } from '../units.ts';
import type { Stack } from '../versions.ts';

type Kind = 'integer' | 'time' | 'bytes' | 'boolean' | 'text';

interface SettingFacts {
  readonly kind: Kind;
  readonly default: string;
  readonly since?: Stack;
  readonly values?: readonly string[];
}

const known: Record<string, SettingFacts> = {
  'cluster.persistent_tasks.allocation.enable': { kind: 'text', default: 'all', values: ['all', 'none'] },
  'cluster.persistent_tasks.allocation.recheck_interval': { kind: 'time', default: '30s' },
  'xpack.ml.max_open_jobs': { kind: 'integer', default: '512' },
  'xpack.ml.node_concurrent_job_allocations': { kind: 'integer', default: '2' },
  'xpack.ml.max_machine_memory_percent': { kind: 'integer', default: '30' },
  'xpack.ml.use_auto_machine_memory_percent': { kind: 'boolean', default: 'false' },
  'xpack.ml.max_model_memory_limit': { kind: 'bytes', default: '0b' },
  'xpack.ml.max_lazy_ml_nodes': { kind: 'integer', default: '0' },
  'xpack.ml.max_ml_node_size': { kind: 'bytes', default: '0b' },
  'xpack.ml.process_connect_timeout': { kind: 'time', default: '10s' },
  'xpack.ml.delayed_data_check_freq': { kind: 'time', default: '15m' },
  'xpack.ml.nightly_maintenance_requests_per_second': { kind: 'text', default: '-1.0' },
  'xpack.ml.persist_results_max_retries': { kind: 'integer', default: '20' },
  // releases that enable this setting by default use 48h; the simulated release disables it
  'xpack.ml.idle_job_auto_close_timeout': { kind: 'time', default: '-1', since: '9.2' },
};

const layers = ['transient', 'persistent'] as const;
export type Layer = (typeof layers)[number];

export class Settings {
  readonly #stack: Stack;
  readonly #values: Record<Layer, Map<string, string>> = { transient: new Map(), persistent: new Map() };

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  get names(): readonly string[] {
    return Object.keys(known).filter((name) => this.#exists(name));
  }

  defaultOf(name: string): string {
    return known[name]?.default ?? '';
  }

  layer(layer: Layer): ReadonlyMap<string, string> {
    return this.#values[layer];
  }

  text(name: string): string {
    return this.#values.transient.get(name) ?? this.#values.persistent.get(name) ?? this.defaultOf(name);
  }

  integer(name: string): number {
    return Number(this.text(name));
  }

  bytes(name: string): number {
    return parseByteSize(this.text(name), name);
  }

  milliseconds(name: string): number {
    return parseTimeValue(this.text(name), name);
  }

  /** Sets one setting in one layer; null removes it. @throws 400 as the server does */
  set(layer: Layer, name: string, value: string | null): void {
    if (!this.#exists(name)) {
      // settings for other parts of a cluster are accepted and have no effect
      if (name.startsWith('xpack.ml.') || !/^[a-z_]+\.[a-z_.*]+$/.test(name))
        throw illegalArgument(`${layer} setting [${name}], not recognized`);
    } else if (value !== null) {
      check(name, value);
    }
    if (value === null) this.#values[layer].delete(name);
    else this.#values[layer].set(name, value);
  }

  /** Removes from one layer every setting for which `matches` is true. */
  clear(layer: Layer, matches: (name: string) => boolean): void {
    for (const name of this.#values[layer].keys()) if (matches(name)) this.#values[layer].delete(name);
  }

  #exists(name: string): boolean {
    const since = known[name]?.since;
    return name in known && (since === undefined || since === this.#stack);
  }
}

function check(name: string, value: string): void {
  const { kind, values } = known[name] as SettingFacts;
  if (kind === 'time') parseTimeValue(value, name);
  if (kind === 'bytes') parseByteSize(value, name);
  if (kind === 'integer' && !/^-?\d+$/.test(value))
    throw illegalArgument(`Failed to parse value [${value}] for setting [${name}]`);
  if (kind === 'boolean' && value !== 'true' && value !== 'false')
    throw illegalArgument(`Failed to parse value [${value}] as only [true] or [false] are allowed.`);
  if (values && !values.includes(value))
    throw illegalArgument(`Illegal value [${value}] for setting [${name}]`);
}
