'use strict';
/**
 * What the deployed bundle leaves out of the official client: a plugin of esbuild, for serverless.yml.
 *
 * Most of a cold start is that client. Of undici it uses the pool of connections, and loads fetch, WebSockets, caches and
 * mocks as well; the typed methods of its API, half a megabyte, are never called here, as every request goes through
 * `client.transport` (the type that `connect` returns allows nothing else). Without them its modules take half the time
 * to load (bench/results/cold-start.md).
 */

/** Nothing but what the client's connection takes from undici: `Pool`, with the methods that undici's index gives it. */
const pool = `
  const Dispatcher = require('undici/lib/dispatcher/dispatcher');
  Object.assign(Dispatcher.prototype, require('undici/lib/api'));
  exports.Pool = require('undici/lib/dispatcher/pool');
  exports.buildConnector = require('undici/lib/core/connect');
`;
const noMethods = 'export default class API {}';

const leanClient = {
  name: 'lean-client',
  setup(build) {
    // Resolved where the importer would: an undici of its own, where npm has put one there.
    build.onResolve({ filter: /^undici$/ }, ({ resolveDir }) => ({
      path: 'undici',
      namespace: 'lean-client',
      pluginData: { contents: pool, resolveDir },
    }));
    build.onResolve({ filter: /^\.\/api(\/index\.js)?$/ }, ({ importer, resolveDir }) => {
      if (!/[\\/]@elastic[\\/]elasticsearch[\\/](lib|esm)[\\/]client\.js$/.test(importer)) return undefined;
      return { path: 'api', namespace: 'lean-client', pluginData: { contents: noMethods, resolveDir } };
    });
    build.onLoad({ filter: /.*/, namespace: 'lean-client' }, ({ pluginData }) => pluginData);
  },
};

module.exports = [leanClient];
