#!/usr/bin/env node
// Starts the command on a Node that can run it. In a checkout, this runs the source on the Node that the project pins,
// whatever Node the machine has. In the installed package, this runs the built file.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
const major = Number.parseInt(process.versions.node, 10);

if (!existsSync(source)) {
  if (major < 22) {
    process.stderr.write(
      `jobsweep needs Node 22 or later, and this is ${process.version}. In a checkout, "npx jobsweep" runs on the Node that npm ci installed.\n`,
    );
    process.exit(2);
  }
  await import('../dist/jobsweep.js');
} else if (major >= 24 || !existsSync(pinned)) {
  await import('../src/cli/main.ts');
} else {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // A terminal signals the whole process group, and a supervisor only this process. Either way, the child handles the
  // signal once.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
}
