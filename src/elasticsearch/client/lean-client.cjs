'use strict';
/**
 * An esbuild plugin, used by serverless.yml: leaves parts of the official client out of the deployed bundle and loads
 * others on demand.
 *
 * The client takes most of a cold start. A sweep uses Node's own HTTP (src/elasticsearch/client/node-connection.ts)
 * instead of undici, the client's default. Every request goes through `client.transport` (`LeanClient` allows nothing
 * else), so the half megabyte of typed methods and the helpers are unused. Measured in bench/results/cold-start.md.
 */

const client = /[\\/]@elastic[\\/](?:elasticsearch|transport)[\\/]/;
const nothing = (kind) => `export default class { constructor() { ${kind} } }`;
const refuse = "throw new Error('left out of the bundle: see src/elasticsearch/client/lean-client.cjs')";

/** Patterns for the files of client modules to replace, each with the replacement. */
const files = [
  [/[\\/]elasticsearch[\\/]esm[\\/]api[\\/]index\.js$/, nothing('')],
  [/[\\/]elasticsearch[\\/]esm[\\/]helpers\.js$/, nothing('')],
  [/[\\/]transport[\\/]esm[\\/]connection[\\/]UndiciConnection\.js$/, nothing(refuse)],
  [/[\\/]transport[\\/]esm[\\/]pool[\\/](?:Weighted|Cluster)ConnectionPool\.js$/, nothing(refuse)],
];

/**
 * Replacements for Node modules and packages that the client imports, by name. An `import` of a Node module reads all
 * of its exports, and some are slow to load: 20 ms for `http` (its WebSocket), 3 ms each for `util` and `process`. The
 * replacements read only what the client uses.
 */
const imports = {
  // the client would use this package for proxies, which jobsweep handles itself
  hpagent: 'export default {};',
  'node:http': "export default require('node:http');",
  'node:https': "export default require('node:https');",
  'node:process': 'export default process;',
  'node:util':
    "const util = require('node:util'); export const inspect = util.inspect, promisify = util.promisify;",
  // loaded on demand: only requests to Elastic Cloud are compressed
  'node:zlib': `
    const later = (name) => (...given) => require('node:zlib')[name](...given);
    export default { gzip: later('gzip'), unzip: later('unzip'), createGzip: later('createGzip') };
  `,
  'node:assert':
    "export default (value, ...rest) => { if (!value) require('node:assert')(value, ...rest); };",
};

const leanClient = {
  name: 'lean-client',
  setup(build) {
    for (const [filter, contents] of files) build.onLoad({ filter }, () => ({ contents }));
    build.onResolve({ filter: /^(?:hpagent|node:.+)$/ }, ({ path, importer, kind }) =>
      kind === 'import-statement' && client.test(importer) && Object.hasOwn(imports, path)
        ? { path, namespace: 'lean-client' }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'lean-client' }, ({ path }) => ({ contents: imports[path] }));
  },
};

module.exports = [require('./no-debug.cjs'), leanClient];
