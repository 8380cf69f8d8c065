/**
 * @module Tests the Kubernetes manifests: their types, the `restricted` pod security standard, and their handling of
 * the command's exit codes.
 */
import { execFile, spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { exitCodes } from '../../src/base/exit-codes.ts';
import { connectionSettings } from '../../src/settings/environment.ts';
import { parseRequest } from '../../src/sweep/request/read-request.ts';
import { root } from '../support/bin.ts';
import { runCommand } from '../support/run-command.ts';

const folder = path.join(root, 'deploy/kubernetes');
const overlays = ['base', 'eck', 'eck-elastic-user'];
const read = (file: string) => parse(readFileSync(path.join(folder, file), 'utf8')) as Manifest;

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly envFrom?: readonly { readonly secretRef: { readonly name: string } }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Rule {
  readonly action: string;
  readonly onExitCodes?: { readonly containerName: string; readonly values: readonly number[] };
}

interface CronJob extends Manifest {
  readonly spec: {
    readonly concurrencyPolicy: string;
    readonly startingDeadlineSeconds: number;
    readonly jobTemplate: {
      readonly spec: {
        readonly activeDeadlineSeconds: number;
        readonly backoffLimit: number;
        readonly podFailurePolicy: { readonly rules: readonly Rule[] };
        readonly template: {
          readonly spec: {
            readonly restartPolicy: string;
            readonly automountServiceAccountToken: boolean;
            readonly terminationGracePeriodSeconds: number;
            readonly securityContext: Readonly<Record<string, unknown>>;
            readonly containers: readonly Container[];
            readonly volumes: readonly Readonly<Record<string, unknown>>[];
          };
        };
      };
    };
  };
}

const podOf = ({ spec }: CronJob) => spec.jobTemplate.spec.template.spec;
const containerOf = (cronJob: CronJob) => podOf(cronJob).containers[0] as Container;

/** For each kind that the manifests use, the module that exports its type. */
const modules: Readonly<Record<string, string>> = {
  CronJob: 'batch/v1',
  NetworkPolicy: 'networking/v1',
  Secret: 'core/v1',
};

/**
 * Checks each manifest against the type of its kind, and returns the compiler's errors. A patch may leave out any
 * field.
 */
async function typeErrors(manifests: Readonly<Record<string, Manifest>>): Promise<string> {
  const cache = path.join(root, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(path.join(cache, 'manifests-'));
  try {
    const lines = Object.entries(manifests).map(([file, manifest]) => {
      const type = `import('kubernetes-types/${modules[manifest.kind]}').${manifest.kind}`;
      return `// ${file}\n(${JSON.stringify(manifest, null, 1)}) satisfies ${file.includes('.patch.') ? `Partial_<${type}>` : type};`;
    });
    const partial =
      'type Partial_<T> = T extends readonly (infer E)[] ? Partial_<E>[] : T extends object ? { [K in keyof T]?: Partial_<T[K]> | null } : T;';
    await writeFile(path.join(work, 'manifests.ts'), `${partial}\n${lines.join('\n')}\nexport {};\n`);
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    const args = [
      '--ignoreConfig',
      '--noEmit',
      '--singleThreaded',
      '--strict',
      '--skipLibCheck',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
      '--types',
      '',
      'manifests.ts',
    ];
    await promisify(execFile)(process.execPath, [tsc, ...args], { cwd: work });
    return '';
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout ?? error);
  } finally {
    await rm(work, { recursive: true });
  }
}

const manifestFiles = globSync('**/*.yaml', { cwd: folder }).filter(
  (file) => !file.endsWith('kustomization.yaml'),
);
const base = read('base/cronjob.yaml') as CronJob;
const { request } = parseRequest(JSON.parse(readFileSync(path.join(folder, 'base/request.json'), 'utf8')));

describe('the Kubernetes manifests', () => {
  it('the Kubernetes manifests match the types of the Kubernetes API, and have no unknown field', async () => {
    expect(manifestFiles.length).toBeGreaterThan(4);
    expect(await typeErrors(Object.fromEntries(manifestFiles.map((file) => [file, read(file)])))).toBe('');
  });

  it('the type check of Kubernetes manifests finds a misspelled field, also in a patch', async () => {
    const patch = read('eck/cronjob.patch.yaml');
    const wrong = JSON.parse(
      JSON.stringify([base, patch]).replaceAll('volumeMounts', 'volumeMount'),
    ) as Manifest[];
    const errors = await typeErrors({
      'base.yaml': wrong[0] as Manifest,
      'x.patch.yaml': wrong[1] as Manifest,
    });
    expect(errors.match(/'"volumeMount"' does not exist/g), errors).toHaveLength(2);
  });

  it('the Kubernetes manifests meet the pod security standard “restricted”', () => {
    const pod = podOf(base);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.securityContext.runAsUser).toBe(65532);
    for (const container of pod.containers)
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    for (const volume of pod.volumes)
      for (const kind of Object.keys(volume)) expect(['name', 'configMap', 'secret']).toContain(kind);
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(JSON.stringify(pod)).not.toMatch(/host(Network|PID|IPC|Path|Port)|privileged/);
  });

  it('the CronJob runs one sweep at a time, and never restarts a container in its pod', () => {
    const { spec } = base.spec.jobTemplate;
    expect(base.spec.concurrencyPolicy).toBe('Forbid');
    expect(base.spec.startingDeadlineSeconds).toBeGreaterThanOrEqual(10);
    expect(spec.template.spec.restartPolicy).toBe('Never');
    expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(10);
    expect(spec.backoffLimit).toBe(1);
  });

  it('the CronJob has an action for each exit code of the command that means failure', () => {
    const { rules } = base.spec.jobTemplate.spec.podFailurePolicy;
    const actions = rules.flatMap(({ action, onExitCodes }) =>
      (onExitCodes?.values ?? []).map((value) => [value, action] as const),
    );
    const codes = Object.keys(exitCodes)
      .map(Number)
      .filter((code) => code !== 0);
    expect(actions.map(([code]) => code)).toEqual(codes);
    expect(Object.fromEntries(actions)).toEqual({
      1: 'FailJob',
      2: 'FailJob',
      3: 'FailJob',
      4: 'FailJob',
      5: 'Count',
    });
    for (const { onExitCodes } of rules)
      if (onExitCodes) expect(onExitCodes.containerName).toBe(containerOf(base).name);
    // Kubernetes applies the first rule that matches, so a pod that ends because its node is drained does not count as
    // a failure, whatever its exit code
    expect(rules[0]?.action).toBe('Ignore');
  });

  it('the CronJob’s deadline leaves enough time for a sweep with all its follow-ups', () => {
    const { followUp } = request;
    if (followUp === false) throw new Error('no follow-up');
    const deadline = 15 * 60;
    const most = deadline + followUp.max * (followUp.after / 1000 + deadline);
    const { activeDeadlineSeconds } = base.spec.jobTemplate.spec;
    expect(containerOf(base).args).toContain('--deadline=15m');
    expect(activeDeadlineSeconds).toBeGreaterThan(most);
    expect(activeDeadlineSeconds).toBeLessThan(most + 1800);
  });

  it('the CronJob’s arguments and request are valid, and the request is a dry run', async () => {
    expect(request.dryRun).toBe(true);
    const mounted = containerOf(base).volumeMounts.find(({ name }) => name === 'request');
    const args = containerOf(base).args.map((arg) =>
      arg.replace(String(mounted?.mountPath), path.join(folder, 'base')),
    );
    const { exit, stdout, stderr } = await runCommand([...args, '--embedded']);
    expect(exit, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: true, status: 'done' });
  });

  it('the Kubernetes manifests set only settings that the command reads', () => {
    const names = manifestFiles.flatMap((file) => {
      const manifest = read(file);
      if (manifest.kind === 'Secret')
        return Object.keys((manifest as unknown as { stringData: object }).stringData);
      return manifest.kind === 'CronJob'
        ? (containerOf(manifest as CronJob).env ?? []).map(({ name }) => name)
        : [];
    });
    expect(names.length).toBeGreaterThan(3);
    expect(Object.keys(connectionSettings)).toEqual(expect.arrayContaining(names));
  });

  it('the Kubernetes manifests for ECK use the names that ECK gives to the cluster’s Secrets and Service', () => {
    const eck = read('eck/cronjob.patch.yaml') as CronJob;
    const values = Object.fromEntries((containerOf(eck).env ?? []).map(({ name, value }) => [name, value]));
    expect(values.ELASTICSEARCH_URL).toBe('https://quickstart-es-http.default.svc:9200');
    expect(podOf(eck).volumes).toEqual([
      { name: 'elasticsearch', secret: { secretName: 'quickstart-es-http-certs-public' } },
    ]);
    expect(values.ELASTICSEARCH_CA_CERT).toBe(`${containerOf(eck).volumeMounts[0]?.mountPath}/tls.crt`);
    const user = read('eck-elastic-user/cronjob.patch.yaml') as CronJob;
    expect(containerOf(user).env).toContainEqual({
      name: 'ELASTICSEARCH_PASSWORD',
      valueFrom: { secretKeyRef: { name: 'quickstart-es-elastic-user', key: 'elastic' } },
    });
  });
});

const kubectl = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });

// Runs only if kubectl is installed. kubectl renders the overlays without a cluster.
describe.skipIf(kubectl.status !== 0)('the Kubernetes overlays, rendered by kubectl', () => {
  it.each(overlays)(
    'kubectl renders the overlay %s to manifests that match the types of the Kubernetes API',
    async (overlay) => {
      const { stdout, stderr, status } = spawnSync('kubectl', ['kustomize', path.join(folder, overlay)], {
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
      expect(stderr).toBe('');
      const manifests = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
      const typed = manifests.filter(({ kind }) => kind !== 'ConfigMap');
      expect(await typeErrors(Object.fromEntries(typed.map((each) => [each.kind, each])))).toBe('');
      const cronJob = manifests.find(({ kind }) => kind === 'CronJob') as CronJob;
      const container = containerOf(cronJob);
      expect(new Set(container.volumeMounts.map(({ name }) => name))).toEqual(
        new Set(podOf(cronJob).volumes.map(({ name }) => name)),
      );
      // everything else in the container and in the pod is as in the base manifest
      expect(container.args).toEqual(containerOf(base).args);
      expect(podOf(cronJob).securityContext).toEqual(podOf(base).securityContext);
      const credentials = overlay === 'eck-elastic-user' ? undefined : [{ secretRef: { name: 'jobsweep' } }];
      expect(container.envFrom).toEqual(credentials);
      const configMap = manifests.find(({ kind }) => kind === 'ConfigMap') as unknown as {
        metadata: { name: string };
      };
      expect(JSON.stringify(podOf(cronJob).volumes)).toContain(configMap.metadata.name);
    },
  );
});
