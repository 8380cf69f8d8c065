/** @module A machine learning node: its identity, its memory, and the capacity that its jobs share. */
import type { SimulatorClock } from '../../clock.ts';
import type { Random } from '../random.ts';
import { SharedCapacity } from './shared-work.ts';

export interface NodeDescription {
  readonly name: string;
  /** Bytes of the machine's memory. */
  readonly memory: number;
  readonly processors: number;
  /** How many closes can run at full speed at the same time. */
  readonly closeCapacity: number;
}

/** A node as shown in the stats of a job or a datafeed. */
export interface NodeView {
  readonly id: string;
  readonly name: string;
  readonly ephemeral_id: string;
  readonly transport_address: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Memory for the native code that a node loads before its first job. */
const nativeOverhead = 30 * 2 ** 20;

export class MlNode {
  readonly id: string;
  readonly name: string;
  readonly ephemeralId: string;
  readonly transportAddress: string;
  readonly memory: number;
  readonly processors: number;
  readonly heap: number;
  readonly closing: SharedCapacity;
  /** Jobs that are opening on this node. Jobs that still wait for their turn are in `openQueue`. */
  readonly opening = new Set<string>();
  readonly openQueue: (() => void)[] = [];
  /** The jobs that are assigned to this node, with the bytes that each reserved when it arrived. */
  readonly jobs = new Map<string, number>();
  memoryUsed = 0;
  alive = true;
  readonly #attributes: Readonly<Record<string, string>>;

  constructor(
    description: NodeDescription,
    index: number,
    clock: SimulatorClock,
    random: Random,
    major: number,
  ) {
    this.name = description.name;
    this.memory = description.memory;
    this.processors = description.processors;
    this.id = random.id(22, 'node', description.name, index);
    this.ephemeralId = random.id(22, 'ephemeral', description.name, index);
    this.transportAddress = `10.0.0.${(index % 250) + 5}:9300`;
    this.heap = Math.min(2 ** 30, Math.floor(description.memory / 4));
    this.closing = new SharedCapacity(clock, description.closeCapacity);
    this.#attributes = {
      // 7.17 does not have these attributes. From 8.5 on, the server uses the one that ends in `_double`; the other one
      // remains for older nodes.
      ...(major >= 8 && {
        'ml.allocated_processors': String(Math.ceil(description.processors)),
        'ml.allocated_processors_double': description.processors.toFixed(1),
      }),
      'ml.machine_memory': String(description.memory),
      'ml.max_jvm_size': String(this.heap),
      'xpack.installed': 'true',
    };
  }

  /** Bytes that machine learning may use. `percent` is `xpack.ml.max_machine_memory_percent`. */
  mlMemory(percent: number): number {
    return Math.floor((this.memory * percent) / 100);
  }

  get nativeOverhead(): number {
    return this.jobs.size > 0 ? nativeOverhead : 0;
  }

  render(): NodeView {
    return {
      id: this.id,
      name: this.name,
      ephemeral_id: this.ephemeralId,
      transport_address: this.transportAddress,
      attributes: this.#attributes,
    };
  }
}
