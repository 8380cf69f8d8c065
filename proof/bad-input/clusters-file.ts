/**
 * @module The property that must hold if the clusters file (`--clusters`) is corrupted. A payload names one cluster,
 * and no other cluster may receive a request.
 */
import * as fc from 'fast-check';
import { endedBadly } from './command.ts';
import { type CorruptedFile, corruptedFile, fileThings, writeCorrupted } from './corrupted-file.ts';
import type { Json } from './json.ts';
import { badInput } from './property.ts';
import {
  authorizations,
  encoded,
  openTwoClusters,
  secrets,
  shownSecrets,
  type TwoClusters,
} from './two-clusters.ts';

interface Given {
  readonly file: CorruptedFile;
  readonly cluster: string;
}

/** `OWN-URL` and `OTHER-URL` are replaced with the clusters' URLs at run time. */
const own = { ELASTICSEARCH_URL: 'OWN-URL', ELASTICSEARCH_API_KEY: secrets.key };
const other = { ELASTICSEARCH_URL: 'OTHER-URL', ELASTICSEARCH_API_KEY: secrets.otherKey, owner: 'team' };

const clusters = fc.constantFrom<Json>(
  { default: own, logs: other },
  { logs: other, constructor: own, default: own },
  { default: { ...own, ELASTICSEARCH_CA_CERT: null, ELASTICSEARCH_PASSWORD: '' }, logs: other },
  { default: own },
  { default: { ...own, ELASTICSEARCH_URL: 'http://127.0.0.1:1' } },
);

export const clustersFile = badInput<Given, TwoClusters>({
  name: 'clusters-file',
  sentence:
    'a corrupted cluster file is refused without showing credentials, or the command contacts only the named cluster, with that cluster’s credentials',
  outcomes: ['reached', 'refused', 'not reached'],
  toMeet: [...fileThings, 'corrupted and reached'],
  enough: 2_000,
  given: fc.record(
    {
      file: corruptedFile(clusters),
      cluster: fc.constantFrom('default', 'default', 'logs', 'constructor', 'toString'),
    },
    { noNullPrototype: true },
  ),
  open: openTwoClusters,
  attempt: async ({ file, cluster }, meet, bench) => {
    const { bytes, value } = writeCorrupted(file, meet);
    const text = bytes
      .toString('latin1')
      .replaceAll('OWN-URL', bench.own.url)
      .replaceAll('OTHER-URL', bench.other.url);
    const path = await bench.write(
      `clusters.${file.form === 'yaml' ? 'yml' : 'json'}`,
      Buffer.from(text, 'latin1'),
    );
    const from = [bench.own.requests.length, bench.other.requests.length] as const;
    const result = await bench.run(['plan', '--clusters', path, '-p', '-'], {
      stdin: JSON.stringify({ cluster }),
    });
    // lets the clusters receive requests that were in flight when the command ended
    await bench.clock.advance(0);
    const [asked, askedOther] = [authorizations(bench.own, from[0]), authorizations(bench.other, from[1])];
    const problems = [...endedBadly(result), ...shownSecrets(result.stdout + result.stderr)];
    if (result.exit === 2) meet('refused');
    if (result.exit === 5) meet('not reached');
    if (asked.length + askedOther.length > 0) {
      meet('reached');
      if (file.corruptions.length + file.textCorruptions.length > 0) meet('corrupted and reached');
      if (result.exit === 2) problems.push('a cluster received a request although the file is refused');
    }
    if (asked.length > 0 && askedOther.length > 0) problems.push('two clusters received requests');
    // skips files with a corrupted value, because the corruption may have swapped the two clusters' credentials
    if (value !== undefined && file.corruptions.length === 0) {
      const wrong = cluster === 'logs' ? asked : askedOther;
      if (wrong.length > 0) problems.push(`the wrong cluster was asked for ${cluster}`);
      if (asked.some((each) => each !== `ApiKey ${encoded.key}`))
        problems.push(`asked with ${asked.join(', ')}`);
      if (askedOther.some((each) => each !== `ApiKey ${encoded.otherKey}`))
        problems.push(`asked with ${askedOther.join(', ')}`);
    }
    return problems;
  },
});
