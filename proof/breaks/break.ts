/** @module A deliberate break: a marked line in the source, and its replacement. */

/**
 * A comment in the source, `// break: MARK`, identifies the line that the break changes. It stands above that line or
 * at its end, so the code may move freely.
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
