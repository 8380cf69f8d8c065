/** @module Colours: only where somebody looks, and only if that person wants them. */
import { styleText } from 'node:util';
import type { Io, Output } from '../io.ts';

export const colourChoices = ['auto', 'always', 'never'] as const;
export type ColourChoice = (typeof colourChoices)[number];

/** What a text means; how that looks is decided here alone. */
export type Tone = 'strong' | 'faint' | 'good' | 'warning' | 'bad' | 'notice';

/** Gives a text the looks of its tone, or returns it as it is. */
export type Paint = (tone: Tone, text: string) => string;

const styles = {
  strong: 'bold',
  faint: 'dim',
  good: 'green',
  warning: 'yellow',
  bad: 'red',
  notice: 'cyan',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

export const plain: Paint = (_tone, text) => text;

const colourful: Paint = (tone, text) => styleText(styles[tone], text, { validateStream: false });

/**
 * The paint for one output. `--color` and `--no-color` decide; else NO_COLOR (any value) forbids, FORCE_COLOR (any but
 * 0 and false) demands, and a terminal that is not dumb has colours.
 */
export function paintFor(output: Output, { env }: Pick<Io, 'env'>, choice: ColourChoice): Paint {
  if (choice !== 'auto') return choice === 'always' ? colourful : plain;
  if (env.NO_COLOR) return plain;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced === '0' || forced === 'false' ? plain : colourful;
  return output.isTTY && env.TERM !== 'dumb' ? colourful : plain;
}
