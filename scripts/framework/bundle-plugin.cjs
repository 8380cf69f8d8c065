'use strict';
/**
 * A plugin for the Serverless Framework. It packages the same zip as `npm run package`, so that every way of deploying
 * deploys the same bytes. JOBSWEEP_FUNCTION_ZIP names an existing zip to use instead, for example the one from a
 * release. `sls invoke local` runs the same bundle.
 */
const { copyFileSync, mkdirSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const folder = '.serverless';

module.exports = class Bundle {
  constructor(serverless, options) {
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.package(serverless),
      'before:invoke:local:invoke': () => this.bundleForLocal(serverless, options),
    };
  }

  async package({ service, serviceDir }) {
    const file = path.join(serviceDir, folder, `${service.service}.zip`);
    mkdirSync(path.dirname(file), { recursive: true });
    const given = process.env.JOBSWEEP_FUNCTION_ZIP;
    if (given) copyFileSync(given, file);
    else {
      const { functionZip } = await import('../package/function-zip.ts');
      writeFileSync(file, (await functionZip()).zip);
    }
    service.package.artifact = file;
  }

  /**
   * Builds the function for `invoke local`, which loads only .js files. The deployed bundle ends in .mjs, so that it
   * needs no package.json.
   */
  async bundleForLocal({ serviceDir }, options) {
    const { build } = await import('esbuild');
    const { functionOptions } = await import('../supply-chain/bundles.ts');
    const local = path.join(folder, 'local');
    await build({
      ...functionOptions,
      absWorkingDir: serviceDir,
      outdir: path.join(local, functionOptions.outdir),
      outExtension: undefined,
      metafile: false,
    });
    options.extraServicePath = local;
  }
};
