/**
 * @module How many ids fit into the request line of a read or a close.
 *
 * Servers refuse request lines over 4,096 bytes. Method, path, parameters and version take 96 to 120 bytes. The
 * remaining bytes are left for the base path of a proxy.
 */

/** Bytes of ids in one request line, separators included. */
export const maxIdBytes = 3_000;
/** A comma between ids is sent as `%2C`. */
export const separatorBytes = 3;
