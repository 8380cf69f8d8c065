/** @module Decodes files in the encodings that editors and shells write: UTF-8, and UTF-16 with a byte order mark. */

/** Decodes a file and drops its byte order mark. PowerShell's `>` writes UTF-16; some editors add a mark to UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return 'utf-8';
}
