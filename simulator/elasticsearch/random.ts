/**
 * @module Random numbers from a seed. Each number depends only on the seed and its keys, not on the order of requests,
 * so that a job always takes the same time to close.
 */

/** Two 32-bit rounds over the keys (murmur-style mixing): cheap, and good enough to look random to people. */
function mix(seed: number, keys: readonly (string | number)[]): number {
  let hash = seed | 0;
  for (const key of keys) {
    const text = String(key);
    for (let index = 0; index < text.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x5bd1e995);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ 0x2c1b3c6d, 0x297a2d39);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export class Random {
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** A number between 0 and 1, both excluded. */
  unit(...keys: (string | number)[]): number {
    return (mix(this.seed, keys) + 0.5) / 2 ** 32;
  }

  between(low: number, high: number, ...keys: (string | number)[]): number {
    return low + (high - low) * this.unit(...keys);
  }

  integer(low: number, high: number, ...keys: (string | number)[]): number {
    return Math.floor(this.between(low, high + 1, ...keys));
  }

  /** A draw from the standard normal distribution (Box and Muller). */
  normal(...keys: (string | number)[]): number {
    const radius = Math.sqrt(-2 * Math.log(this.unit(...keys, 'radius')));
    return radius * Math.cos(2 * Math.PI * this.unit(...keys, 'angle'));
  }

  pick<T>(values: readonly [T, ...T[]], ...keys: (string | number)[]): T {
    return values[Math.floor(this.unit(...keys) * values.length)] as T;
  }

  /** An id in the alphabet of Elasticsearch's uuids. */
  id(length: number, ...keys: (string | number)[]): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
    let text = '';
    // the first character is never `_` or `-`, which would be awkward in a shell
    for (let index = 0; index < length; index++)
      text += alphabet[Math.floor(this.unit('id', ...keys, index) * (index === 0 ? 62 : 64))];
    return text;
  }
}
