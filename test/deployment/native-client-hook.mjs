// Preloaded into the function's process: the runtime interface client asks for its native part, and gets the stand-in.
import { registerHooks } from 'node:module';

const standIn = new URL('./native-client.cjs', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './rapid-client.node'
      ? { url: standIn, format: 'commonjs', shortCircuit: true }
      : next(specifier, context),
});
