'use strict';
/**
 * An esbuild plugin for both bundles: replaces the package `debug`. If DEBUG is set, the official client uses that
 * package to print whole requests, credentials included.
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
