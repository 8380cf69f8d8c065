/** @module Files of clusters (`--clusters`), of which a request names one: the others must not be asked in its name. */
import * as fc from 'fast-check';
import { endedBadly } from './command.ts';
import { fileThings, type SpoiledFile, spoiledFile, writeSpoiled } from './corrupted-file.ts';
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
  readonly file: SpoiledFile;
  readonly cluster: string;
}

/** The addresses are known when it runs. */
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
    'a file of clusters, however spoiled, is refused in a sentence that shows no credential, or leads to the named cluster alone, with its own credentials',
  outcomes: ['reached', 'refused', 'not reached'],
  toMeet: [...fileThings, 'spoiled and reached'],
  enough: 2_000,
  given: fc.record(
    {
      file: spoiledFile(clusters),
      cluster: fc.constantFrom('default', 'default', 'logs', 'constructor', 'toString'),
    },
    { noNullPrototype: true },
  ),
  open: openTwoClusters,
  attempt: async ({ file, cluster }, meet, world) => {
    const { bytes, value } = writeSpoiled(file, meet);
    const text = bytes
      .toString('latin1')
      .replaceAll('OWN-URL', world.own.url)
      .replaceAll('OTHER-URL', world.other.url);
    const path = await world.write(
      `clusters.${file.form === 'yaml' ? 'yml' : 'json'}`,
      Buffer.from(text, 'latin1'),
    );
    const from = [world.own.requests.length, world.other.requests.length] as const;
    const result = await world.run(['plan', '--clusters', path, '-p', '-'], {
      stdin: JSON.stringify({ cluster }),
    });
    // what was on its way when the command ended arrives now
    await world.clock.advance(0);
    const [asked, askedOther] = [authorizations(world.own, from[0]), authorizations(world.other, from[1])];
    const problems = [...endedBadly(result), ...shownSecrets(result.stdout + result.stderr)];
    if (result.exit === 2) meet('refused');
    if (result.exit === 5) meet('not reached');
    if (asked.length + askedOther.length > 0) {
      meet('reached');
      if (file.spoilings.length + file.textSpoilings.length > 0) meet('spoiled and reached');
      if (result.exit === 2) problems.push('a cluster was asked, and the file is refused');
    }
    if (asked.length > 0 && askedOther.length > 0) problems.push('two clusters were asked');
    // what stands where in a spoiled value is another story
    if (value !== undefined && file.spoilings.length === 0) {
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
