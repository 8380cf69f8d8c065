/** @module Writes the reference page section by section, from the lists in the code. */
import * as z from 'zod';
import { exitCodes } from '../../src/base/exit-codes.ts';
import { datafeedOutcomes, reopenOutcomes } from '../../src/cli/reopen/reopen-jobs.ts';
import { notifyErrorsMetric } from '../../src/function/announce.ts';
import { extraMetrics, metricsNamespace } from '../../src/function/metrics.ts';
import { rollCallMetrics } from '../../src/function/roll-call.ts';
import {
  clusterFileShape,
  clusterSecretsShape,
  maxClusters,
  scheduleFileSchema,
} from '../../src/scheduler/schedule-schema.ts';
import {
  connectionSettings,
  environmentSettings,
  notifyOptions,
  notifyTargets,
  reportSettings,
} from '../../src/settings/environment.ts';
import { requestSchema } from '../../src/sweep/request/request-schema.ts';
import {
  actReasons,
  fuses,
  keepReasons,
  notAttemptedReasons,
  outcomes,
  placesReasons,
  statuses,
  verdicts,
} from '../../src/sweep/vocabulary.ts';
import { fieldRows } from './fields.ts';
import { helpPages } from './help.ts';
import { code, meanings, table } from './markdown.ts';
import {
  countMeanings,
  followUpFields,
  fuseFields,
  jobFields,
  logLines,
  reopenedFields,
  reportFields,
  roundFields,
} from './report.ts';

const exits = table(
  ['exit', 'means'],
  Object.entries(exitCodes).map(([exit, means]) => [exit, means]),
);

const fieldHead = ['field', 'default', 'expected', 'meaning'];

/** Returns an object in which only the field at `path` is set, such as `{"close": {"batch": value}}`. */
const nested = (path: readonly string[], value: unknown): unknown =>
  path.reduceRight((inner, key) => ({ [key]: inner }), value);

function requestSection(): string {
  const rows = fieldRows({ schema: requestSchema, probe: nested, without: ['trigger', 'followUpOf'] });
  return `The payload of one sweep. An unknown field is an error that names the nearest known one; \`$schema\` is ignored. Editors
find every field in [\`schemas/request.schema.json\`](../schemas/request.schema.json).

${table(fieldHead, rows)}

Not for people to set: \`trigger\`, which our schedules fill in through the Scheduler’s context attributes, and
\`followUpOf\`, which names the jobs that a follow-up looks at again.`;
}

function scheduleFileSection(): string {
  const fileRows = fieldRows({
    schema: scheduleFileSchema,
    probe: (path, value) => ({ schedules: [], ...(nested(path, value) as object) }),
    without: ['$schema'],
  });
  const scheduleRows = fieldRows({
    schema: scheduleFileSchema,
    probe: (path, value) => ({ schedules: [{ name: 'a', request: {}, ...(nested(path, value) as object) }] }),
    below: (whole) => whole.properties?.schedules?.items ?? {},
    without: ['request', ...Object.keys(clusterSecretsShape).map((name) => `clusters.${name}`)],
  });
  const secretsRows = fieldRows({
    schema: z.strictObject(clusterSecretsShape),
    probe: (path, value) => ({ secrets: 'a*', ...(nested(path, value) as object) }),
  });
  const fileOfClusters = fieldRows({ schema: z.strictObject(clusterFileShape), probe: nested });
  return `JSON or YAML, for \`jobsweep schedules\` and for the deployment. Editors find every field in
[\`schemas/schedules.schema.json\`](../schemas/schedules.schema.json).

${table(fieldHead, fileRows)}

Each of \`schedules\` has \`name\`, exactly one of \`rate\`, \`cron\` and \`at\`, and either \`request\` ([a request](#the-request)) or \`rollCall\`:

${table(fieldHead, scheduleRows)}

\`clusters\` is a list of names, or one of these objects. No list has more than ${maxClusters} clusters, and a name of it twice is an error.

${table(fieldHead, [...secretsRows, ...fileOfClusters])}

### A roll call

The payload that a schedule with \`rollCall\` sends, \`{"rollCall": true, "clusters": ["logs", "metrics"], "within": "6h"}\`. The function
returns and logs \`{"rollCall": true, "at": "…", "within": "6h", "expected": 2, "reported": 1, "missing": ["metrics"]}\`, and publishes these
metrics with the dimensions \`service\` and \`function\`:

${meanings('metric', rollCallMetrics)}

A cluster has reported if a sweep of it returned a report since \`within\` before the scheduled time, a dry run and a follow-up included.
If CloudWatch does not say so, the roll call fails with \`RollCallError\`.`;
}

const countsTable = () =>
  meanings('count', {
    ...countMeanings,
    ...Object.fromEntries(
      Object.entries(outcomes).map(([outcome, { count }]) => [count, `jobs with outcome ${code(outcome)}`]),
    ),
  });

const outcomesTable = () =>
  meanings(
    'outcome',
    Object.fromEntries(Object.entries(outcomes).map(([outcome, { means }]) => [outcome, means])),
  );

const metricsTable = () =>
  table(
    ['metric', 'unit', 'is'],
    [
      [
        [...Object.keys(countMeanings), ...Object.values(outcomes).map(({ count }) => count)]
          .map(code)
          .join(', '),
        'Count',
        'the counts of the report, zeros included',
      ],
      ...Object.entries(extraMetrics).map(([name, { unit, means }]) => [code(name), unit, means]),
    ],
  );

/** The whole page `docs/reference.md`. */
export async function reference(): Promise<string> {
  const sections: [level: 2 | 3, title: string, text: string][] = [
    [2, 'The request', requestSection()],
    [
      2,
      'The report',
      `The function returns it, and the command prints it with \`-o json\`. Unknown fields of a job are absent.\n\n${meanings('field', reportFields)}`,
    ],
    [3, 'Each of `jobs`', meanings('field', jobFields)],
    [3, 'Counts', countsTable()],
    [3, 'Statuses', meanings('status', statuses)],
    [3, 'Verdicts', meanings('verdict', verdicts)],
    [
      3,
      'Reasons to keep a job',
      `The first that applies, in this order.\n\n${meanings('reason', keepReasons)}`,
    ],
    [3, 'Reasons to act on a job', meanings('reason', actReasons)],
    [3, 'Outcomes', outcomesTable()],
    [3, 'Reasons not to have asked', meanings('notAttemptedBecause', notAttemptedReasons)],
    [3, 'Places', `Why a node has this many places.\n\n${meanings('because', placesReasons)}`],
    [
      3,
      'Fuses',
      `A fuse that trips stops a sweep before it changes anything. The first that trips is reported, in this order.\n\n${meanings('fuse', fuses)}\n\nIn the report:\n\n${meanings('field', fuseFields)}`,
    ],
    [3, 'The follow-up', meanings('field', followUpFields)],
    [3, 'Each of `rounds`', meanings('field', roundFields)],
    [3, 'Each of `flapping` and `reopened`', meanings('field', reopenedFields)],
    [
      2,
      'Exit codes',
      `The command's exit codes. In the cases 1, 2 and 5 the function throws a named error.\n\n${exits}`,
    ],
    [
      2,
      'Settings',
      `In the environment, and in a secret’s JSON or a clusters file under the same names:\n\n${meanings('setting', connectionSettings)}\n\nIn the environment only:\n\n${meanings('setting', { ...environmentSettings, ...reportSettings })}\n\nWhere [notifications](notifications.md) go, in the environment or in a secret’s JSON:\n\n${meanings('setting', notifyTargets)}\n\nIn the environment only:\n\n${meanings('setting', notifyOptions)}`,
    ],
    [
      2,
      'Metrics',
      `In the namespace ${code(metricsNamespace)}, with the dimensions \`service\` and \`cluster\`, for every sweep that returns a report; ${code('needsAttention')} for one that fails, too.\n\n${metricsTable()}\n\nWith the dimensions \`service\` and \`function\`, after each message: ${code(notifyErrorsMetric)}, the targets that did not take the message.`,
    ],
    [
      2,
      'Log lines',
      `The function logs JSON lines; \`message\` names the kind of line. \`reopen\` and \`--history\` read them like reports.\n\nThe function writes these lines and the metrics with any value of \`POWERTOOLS_LOG_LEVEL\`, \`LOG_LEVEL\`, \`AWS_LAMBDA_LOG_LEVEL\`, \`POWERTOOLS_DEV\` or \`POWERTOOLS_METRICS_DISABLED\`. If the function's log format is JSON and its application log level is above INFO, Lambda drops lower lines, so these lines then carry that level as \`level\`. The function cannot prevent later losses: a role without \`logs:PutLogEvents\`, the retention of the log group, or a subscription filter.\n\n${meanings('message', logLines)}`,
    ],
    [
      2,
      'Outcomes of a reopened job',
      `In the report of \`jobsweep reopen\`:\n\n${meanings('outcome', reopenOutcomes)}\n\n${meanings('datafeed', datafeedOutcomes)}`,
    ],
    [2, 'The schedule file', scheduleFileSection()],
    [
      2,
      'The command',
      (await helpPages())
        .map(([name, help]) => `### ${code(name)}\n\n\`\`\`text\n${help}\n\`\`\``)
        .join('\n\n'),
    ],
  ];
  const head = `<!-- Written by \`npm run docs\` from the code: change it there. -->\n\n# Reference\n\n[The contract](contract.md) says what users may rely on, and [behaviour](behaviour.md) describes the servers.`;
  return `${[head, ...sections.map(([level, title, text]) => `${'#'.repeat(level)} ${title}\n\n${text}`)].join('\n\n')}\n`;
}
