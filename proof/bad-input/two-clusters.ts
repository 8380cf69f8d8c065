/** @module Two minimal fake clusters that record the requests that reach them, with the requests' credentials. */

import { answersFor, configOf, respondWith, statsOf } from '../../test/support/ml-answers.ts';
import { type ScriptedServer, serve } from '../../test/support/scripted-server.ts';
import { type Bench, openBench } from './command.ts';

export interface TwoClusters extends Bench {
  readonly own: ScriptedServer;
  readonly other: ScriptedServer;
}

/** Credentials that must not appear in any message, in any form. */
export const secrets = {
  key: 'key-id-1:hidden-key-value',
  otherKey: 'key-id-2:hidden-other-value',
  password: 'hidden-password',
} as const;

const base64 = (text: string) => Buffer.from(text).toString('base64');
export const encoded = { key: base64(secrets.key), otherKey: base64(secrets.otherKey) } as const;

const hidden: readonly string[] = [
  'hidden-key-value',
  'hidden-other-value',
  'hidden-password',
  ...Object.values(encoded),
  base64(`sweeper:${secrets.password}`),
];

export const shownSecrets = (text: string): string[] =>
  hidden.filter((secret) => text.includes(secret)).map((secret) => `${secret} is shown`);

export async function openTwoClusters(): Promise<TwoClusters> {
  const bench = await openBench();
  const answers = answersFor([{ config: configOf('web-1'), stats: statsOf('web-1') }]);
  const start = async () => bench.stack.use(await serve((exchange) => respondWith(answers, exchange)));
  return Object.assign(bench, { own: await start(), other: await start() });
}

/** The distinct credentials of the requests from index `from` on. */
export const authorizations = ({ requests }: ScriptedServer, from: number): string[] => [
  ...new Set(requests.slice(from).map(({ headers }) => String(headers.authorization ?? 'nothing'))),
];
