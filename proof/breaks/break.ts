/** @module What a deliberate break is: a marked line of the source, and what stands there instead. */

/**
 * The source carries the mark as a comment, `// break: NAME`, above the line or at its end. The mark, not the text of the
 * line, finds the place: the code may move and change its wording.
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
