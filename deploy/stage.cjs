'use strict';
/**
 * Connects `serverless.yml` with `template.ts`. The framework loads only CommonJS, so this file is not TypeScript. Node
 * 22.18 and later run the TypeScript files directly.
 */
const path = require('node:path');

module.exports = async (framework) => {
  try {
    return await partsOf(framework);
  } catch (error) {
    // The framework prints the stack trace, which hides the message. For an error with an exit code, which the user can
    // fix, only the message is printed.
    if (error instanceof Error && 'exitCode' in error) error.stack = error.message;
    throw error;
  }
};

async function partsOf({ resolveVariable }) {
  if (!process.features.typescript)
    throw Object.assign(
      new Error(
        `node ${process.version} cannot read TypeScript: start the framework as \`npx sls\`, which takes the project's own node`,
      ),
      { exitCode: 2 },
    );
  const stage = await resolveVariable('sls:stage');
  const files = await resolveVariable('self:params');
  const given = await resolveVariable('opt:param').catch(() => []);
  // The framework would ignore unknown parameters. They are included here, so that `template.ts` can refuse them.
  const names = new Set([
    ...Object.keys({ ...files.default, ...files[stage] }),
    ...given.map((each) => each.split('=')[0]),
  ]);
  const parameters = {};
  for (const name of names) parameters[name] = await resolveVariable(`param:${name}`);
  const { template } = await import('./template.ts');
  const { warnings, ...parts } = template({
    service: await resolveVariable('self:service'),
    stage,
    parameters,
    root: path.join(__dirname, '..'),
    now: Date.now(),
  });
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`);
  return parts;
}
