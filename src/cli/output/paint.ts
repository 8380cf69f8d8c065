/** @module Colours, used only on terminals and only if the user allows them. */
import { styleText } from 'node:util';
import type { Io, Output } from '../io.ts';

export const colourChoices = ['auto', 'always', 'never'] as const;
export type ColourChoice = (typeof colourChoices)[number];

/** The meaning of a text. Only this module maps meanings to colours. */
export type Tone = 'strong' | 'faint' | 'good' | 'warning' | 'bad' | 'notice';

/** Colours a text by its tone, or returns it unchanged. */
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
 * The paint for one output. In order of precedence: `--color` and `--no-color`, NO_COLOR (not empty), FORCE_COLOR (any
 * value but 0 and false), and whether the output is a terminal other than `dumb`.
 */
export function paintFor(output: Output, { env }: Pick<Io, 'env'>, choice: ColourChoice): Paint {
  if (choice !== 'auto') return choice === 'always' ? colourful : plain;
  if (env.NO_COLOR) return plain;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced === '0' || forced === 'false' ? plain : colourful;
  return output.isTTY && env.TERM !== 'dumb' ? colourful : plain;
}
