/** @module Dates in parameters: epoch seconds, epoch milliseconds, or ISO 8601. */
import { ElasticsearchError } from '../errors.ts';

/** Converts a date parameter to epoch milliseconds. @throws 400 with the server's message if it is not a date */
export function dateParameter(text: string, name: string): number {
  // a number of ten digits or fewer is in seconds
  if (/^-?\d+$/.test(text)) return Number(text) * (text.length <= 10 ? 1_000 : 1);
  const time = Date.parse(text);
  if (text !== '' && !Number.isNaN(time)) return time;
  throw new ElasticsearchError(400, {
    type: 'parse_exception',
    reason: `Query param [${name}] with value [${text}] cannot be parsed as a date or converted to a number (epoch).`,
  });
}
