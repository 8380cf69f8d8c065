/** @module A deliberate break: a marked line of the source, and its replacement. */

/**
 * The source has the mark in a comment, `// break: NAME`, above the line or at its end. The mark finds the line, so the
 * code may move.
 */
export interface Break {
  /** The property that must be found violated. */
  readonly property: string;
  /** What the changed line does wrong. */
  readonly wrong: string;
  readonly mark: string;
  /** The whole line that replaces the marked one, or a part of the marked line and its replacement. */
  readonly becomes: string | readonly [part: string, replacement: string];
}
