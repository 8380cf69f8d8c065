/**
 * @module Runs the conformance suite against a real Elasticsearch at ELASTICSEARCH_TEST_URL. If this variable is not
 * set, the script starts and removes the Elasticsearch of `compose.yaml`, which needs Docker and internet access.
 */
import { spawnSync } from 'node:child_process';

const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): number =>
  spawnSync(command, args, { stdio: 'inherit', env }).status ?? 1;

const suite = (env: NodeJS.ProcessEnv): number =>
  // one file at a time, because all files share the cluster, and each file's cleanup deletes the jobs of all files
  run('npx', ['vitest', 'run', '--no-file-parallelism', 'test/simulator/elasticsearch/conformance'], env);

if (process.env.ELASTICSEARCH_TEST_URL !== undefined) {
  process.exitCode = suite(process.env);
} else {
  const password = process.env.ELASTICSEARCH_TEST_PASSWORD ?? 'changeme';
  const started = run('docker', ['compose', 'up', '--detach', '--wait']);
  process.exitCode =
    started === 0
      ? suite({
          ...process.env,
          ELASTICSEARCH_TEST_URL: 'http://127.0.0.1:9200',
          ELASTICSEARCH_TEST_USERNAME: 'elastic',
          ELASTICSEARCH_TEST_PASSWORD: password,
        })
      : started;
  run('docker', ['compose', 'down', '--volumes']);
}
