/**
 * @module Writes `docs/fronts-and-clusters.md`: how clusters and proxies can answer wrongly, and what the command then
 * prints and does. The rows are the cases of the tests.
 */
import { frontGroups } from '../../test/fronts/cases/index.ts';
import type { FrontAnswer, FrontCase } from '../../test/fronts/front-case.ts';
import { code, table } from './markdown.ts';

const maxBodyShown = 240;

/** The whole page `docs/fronts-and-clusters.md`. */
export function frontsPage(): string {
  const sections = frontGroups.map(
    ({ title, cases }) =>
      `## ${title}\n\n${table(['condition', 'message of jobsweep', 'result'], cases.map(row))}`,
  );
  const head = `<!-- Written by \`npm run docs\` from test/fronts/cases: change it there. -->

# What fronts and clusters answer

Conditions seen in real clusters, gateways and proxies, with the message and the result of the command. Every row is a test:
[\`test/fronts/cases\`](../test/fronts/cases) lists them, [\`test/fronts/fronts.test.ts\`](../test/fronts/fronts.test.ts) runs them.
The command is \`jobsweep plan\` unless the row names another. [Behaviour](behaviour.md) describes healthy servers.`;
  return `${[head, ...sections].join('\n\n')}\n`;
}

const row = (front: FrontCase): string[] => [
  [
    front.condition,
    ...(front.answer ? [answered(front.answer)] : []),
    ...(front.seenIn ?? []).map((place) => `(${seenLink(place)})`),
  ].join(' '),
  front.says.length > 0 ? front.says.map(code).join(' … ') : 'none: the answer is read',
  result(front),
];

function answered({ to, times, status, headers = {}, body }: FrontAnswer): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const shown = text.length > maxBodyShown ? `${text.slice(0, maxBodyShown - 1)}…` : text;
  const first = times === undefined ? '' : `, the first ${times === 1 ? 'time' : `${times} times`}`;
  const sent = Object.entries(headers).map(([name, value]) => code(`${name}: ${value}`));
  return `${to === undefined ? 'Every request' : code(to)} is answered${first} with ${[code(status), ...sent, code(shown)].join(' ')}.`;
}

/** Turns `owner/repository#number` into a link to that issue, and a URL into a link to itself. */
function seenLink(place: string): string {
  const [, repository, number] = /^([\w.-]+\/[\w.-]+)#(\d+)$/.exec(place) ?? [];
  return repository ? `[${place}](https://github.com/${repository}/issues/${number})` : `<${place}>`;
}

function result({ command, request, environment, exit, outcomes, withinMs }: FrontCase): string {
  const given = [
    ...(command ? [code(`jobsweep ${command.join(' ')}`)] : []),
    ...(request ? [`request ${code(JSON.stringify(request))}`] : []),
    ...(environment
      ? [
          `settings ${Object.entries(environment('URL'))
            .map(([name, value]) => code(`${name}=${value}`))
            .join(', ')}`,
        ]
      : []),
  ];
  const ended = outcomes
    ? Object.entries(outcomes)
        .map(([jobId, outcome]) => `${code(jobId)}: ${outcome}`)
        .join(', ')
    : 'nothing is closed';
  const within = withinMs === undefined ? '' : `, within ${withinMs / 1_000} s`;
  return `${given.length > 0 ? `With ${given.join(', ')}: ` : ''}exit ${exit}${within}; ${ended}`;
}
