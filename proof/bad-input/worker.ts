/** @module A worker process that runs one property for bad input and reports whether it is violated. */
import type { RunOptions } from '../check-options.ts';
import { badInputs } from './index.ts';
import type { RunResult } from './property.ts';

export interface Order extends RunOptions {
  readonly name: string;
}

process.on('message', ({ name, ...options }: Order) => {
  const property = badInputs.find((each) => each.name === name);
  if (!property) throw new Error(`there is no property ${name}`);
  void property.run(options).then((result) => process.send?.(result satisfies RunResult));
});
