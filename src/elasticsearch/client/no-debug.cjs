'use strict';
/**
 * A plugin of esbuild for both bundles: stands in for `debug`, with which the official client prints whole requests,
 * credentials included, to whoever sets DEBUG.
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
