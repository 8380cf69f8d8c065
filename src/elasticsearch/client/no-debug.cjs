'use strict';
/**
 * An esbuild plugin for both bundles: replaces the package `debug`. With DEBUG set, the official client would print
 * whole requests through it, credentials included.
 */
module.exports = {
  name: 'no-debug',
  setup(build) {
    build.onResolve({ filter: /^debug$/ }, () => ({ path: 'debug', namespace: 'no-debug' }));
    build.onLoad({ filter: /.*/, namespace: 'no-debug' }, () => ({
      contents: 'module.exports = () => Object.assign(() => {}, { enabled: false });',
    }));
  },
};
