/** @module A deliberate break: a marked line in the source, and its replacement. */

/**
 * The source has the mark in a comment, `// break: NAME`, above the line or at its end. The mark identifies the line,
 * so the code may move freely.
 */
export interface Break {
  /** The property that this break must violate. */
  readonly property: string;
  /** What the changed line does wrong, as a sentence. */
  readonly wrong: string;
  readonly mark: string;
  /** The line that replaces the marked line, or a part of the marked line and the text that replaces that part. */
  readonly becomes: string | readonly [part: string, replacement: string];
}
