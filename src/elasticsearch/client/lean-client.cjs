'use strict';
/**
 * What the deployed bundle leaves out of the official client, and what it loads later: a plugin of esbuild, for
 * serverless.yml.
 *
 * Most of a cold start is that client. A sweep speaks over Node's own HTTP (src/elasticsearch/client/node-connection.ts), so
 * undici, which is the default, is not needed; and as every request goes through `client.transport` (the type that
 * `connect` returns allows nothing else), nor are the half megabyte of typed methods and the helpers on top of them.
 * How much that is: bench/results/cold-start.md.
 */

const client = /[\\/]@elastic[\\/](?:elasticsearch|transport)[\\/]/;
const nothing = (kind) => `export default class { constructor() { ${kind} } }`;
const refuse = "throw new Error('left out of the bundle: see src/elasticsearch/client/lean-client.cjs')";

/** Modules of the client by their files, and what stands there instead. */
const files = [
  [/[\\/]elasticsearch[\\/]esm[\\/]api[\\/]index\.js$/, nothing('')],
  [/[\\/]elasticsearch[\\/]esm[\\/]helpers\.js$/, nothing('')],
  [/[\\/]transport[\\/]esm[\\/]connection[\\/]UndiciConnection\.js$/, nothing(refuse)],
];

/**
 * What the client imports, by name. An `import` of one of Node's modules reads every export, and so does a bundler that
 * copies them, and some load a lot when they are read: 20 ms for `http` (its WebSocket), 3 each for `util` and
 * `process`. Here only what the client uses is read.
 */
const imports = {
  // speaks through proxies, which no setting of ours names
  hpagent: 'export default {};',
  'node:http': "export default require('node:http');",
  'node:https': "export default require('node:https');",
  'node:process': 'export default process;',
  'node:util':
    "const util = require('node:util'); export const inspect = util.inspect, promisify = util.promisify;",
  // for a deployment of Elastic's cloud, which is asked for compressed answers
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
