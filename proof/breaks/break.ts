/** @module A deliberate break: a marked line of the source, and its replacement. */

/**
 * The source has the mark in a comment, `// break: NAME`, above the line or at its end. The code may move freely,
 * because the mark identifies the line.
 */
export interface Break {
  /** The property that this break must violate. */
  readonly property: string;
  /** What the changed line does wrong, as a sentence. */
  readonly wrong: string;
  readonly mark: string;
  /** The line that replaces the marked one, or a part of the marked line with its replacement. */
  readonly becomes: string | readonly [part: string, replacement: string];
}
