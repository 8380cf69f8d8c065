'use strict';
/**
 * A plugin that only `sls invoke local` uses. If no cluster is configured, the plugin starts the embedded cluster in a
 * separate process for this invocation, and prints a line about it.
 */
const { spawn } = require('node:child_process');
const path = require('node:path');

module.exports = class EmbeddedCluster {
  constructor(serverless) {
    const configured = ['ELASTICSEARCH_URL', 'ELASTICSEARCH_CLOUD_ID', 'ELASTICSEARCH_SECRET'].some(
      (name) => process.env[name],
    );
    this.hooks = configured
      ? {}
      : {
          'before:invoke:local:invoke': () => this.start(serverless),
          'after:invoke:local:invoke': () => this.stop(),
          finalize: () => this.stop(),
        };
  }

  async start(serverless) {
    const command = [
      path.join(__dirname, '../..', 'bin', 'jobsweep.js'),
      'simulate',
      'elasticsearch',
      '--port',
      '0',
      '--speed',
      '30',
    ];
    this.server = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
    // if a handler throws, the framework calls process.exit, and the server must end with it
    process.once('exit', () => this.stop());
    const url = await new Promise((resolve, reject) => {
      let text = '';
      this.server.stdout.on('data', (part) => {
        text += part;
        const ready = /listening on (\S+)/.exec(text);
        if (ready) resolve(ready[1]);
      });
      this.server.once('exit', (code) =>
        reject(new Error(`the embedded cluster ended with ${code} before it was ready`)),
      );
    });
    this.server.unref();
    process.env.ELASTICSEARCH_URL = url;
    // also sets the URL in the function's environment, which overrides the process's environment and may contain an
    // empty URL
    for (const name of Object.keys(serverless.service.functions)) {
      const environment = serverless.service.functions[name].environment ?? {};
      serverless.service.functions[name].environment = { ...environment, ELASTICSEARCH_URL: url };
    }
    process.stderr.write(`no cluster is configured: the embedded one runs at ${url}\n`);
  }

  stop() {
    this.server?.kill('SIGTERM');
    this.server = undefined;
  }
};
