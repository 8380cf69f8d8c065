// Preloaded into the function's process: replaces the native part of the runtime interface client with a stand-in.
import { enableCompileCache, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

// Tests start the same bundle dozens of times. The function itself must not see a variable that Lambda does not set.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/node-compile', import.meta.url)));

const standIn = new URL('./native-client.cjs', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './rapid-client.node'
      ? { url: standIn, format: 'commonjs', shortCircuit: true }
      : next(specifier, context),
});
