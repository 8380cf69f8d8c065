/** @module Cases about answers that refuse a request, ask the client to wait, or cannot be read. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type FrontCase, type FrontGroup, shownUrl } from '../front-case.ts';

/** An error body of Elasticsearch. */
const errorBody = (status: number, type: string, reason: string) => ({
  error: { root_cause: [{ type, reason }], type, reason },
  status,
});

/** Refuses every close request that names the job `bad`. */
const spoiltBy =
  (status: number, type: string, reason: string): NonNullable<FrontCase['respond']> =>
  ({ path, json }, healthy) =>
    path.endsWith('/_close') && /\bbad\b/.test(path)
      ? json(errorBody(status, type, reason), status)
      : healthy();

const oneBadJob: FrontCase[] = (
  [
    [
      403,
      'cluster_block_exception',
      'index [.ml-anomalies-custom-bad] blocked by: [FORBIDDEN/8/index write (api)];',
    ],
    [400, 'illegal_argument_exception', 'cannot finalize job [bad]'],
    [404, 'index_not_found_exception', 'no such index [.ml-anomalies-custom-bad]'],
    [409, 'status_exception', 'Close job interrupted by kill request'],
    [410, 'status_exception', 'job [bad] is of a version that is gone'],
    [413, 'status_exception', 'the state of job [bad] is too large'],
    [500, 'status_exception', 'Exception closing autodetect process'],
  ] as const
).map(([status, type, reason]) => ({
  name: `one job among others whose close is refused with ${status} ${type}`,
  condition: `Every close that names \`bad\` is answered with \`${status}\` \`${type}\`: ${reason}.`,
  respond: spoiltBy(status, type, reason),
  jobs: ['bad', 'job-a', 'job-b', 'job-c'],
  command: ['sweep', '--yes'],
  says: [`HTTP ${status} ${type}: ${reason}`],
  exit: 3,
  outcomes: { bad: 'error', 'job-a': 'closed', 'job-b': 'closed', 'job-c': 'closed' },
}));

/** The listing succeeds, but each read by ids that names the job `bad` or its datafeed fails. */
const unreadableJobs: FrontCase[] = (
  [
    [/^\/_ml\/anomaly_detectors\/[^/]*\bbad\b[^/]*\/_stats$/, 'the stats of a job', 503],
    [/^\/_ml\/anomaly_detectors\/[^/]*\bbad\b[^/]*\/_stats$/, 'the stats of a job, for good,', 400],
    [/^\/_ml\/anomaly_detectors\/[^/]*\bbad\b[^/]*$/, 'the config of a job', 500],
    [/^\/_ml\/datafeeds\/[^/]*\bdatafeed-bad\b[^/]*\/_stats$/, 'the stats of a datafeed', 500],
  ] as const
).map(([path, what, status]) => ({
  name: `one job among others: ${what} cannot be read right before the close (${status})`,
  condition: `Every read that names \`bad\` among others is answered with \`${status}\`: ${what} cannot be read.`,
  respond: (exchange, healthy) =>
    path.test(exchange.path)
      ? exchange.json(errorBody(status, 'search_phase_execution_exception', 'all shards failed'), status)
      : healthy(),
  jobs: ['bad', 'job-a', 'job-b', 'job-c', 'job-d'],
  command: ['sweep', '--yes'],
  says: ['unreadable: the job could not be read right before its close request', 'all shards failed'],
  exit: 3,
  outcomes: { bad: 'error', 'job-a': 'closed', 'job-b': 'closed', 'job-c': 'closed', 'job-d': 'closed' },
}));

/** After the first close request, reads of stats that name `bad` fail. */
function unreadableAfterClose(): NonNullable<FrontCase['respond']> {
  let isAsked = false;
  return ({ path, json }, healthy) => {
    isAsked ||= path.endsWith('/_close');
    if (isAsked && /\bbad\b.*\/_stats$/.test(path))
      json(errorBody(503, 'search_phase_execution_exception', 'all shards failed'), 503);
    else healthy();
  };
}

/** Answers each TLS handshake with the alert `handshake_failure`. */
async function handshakeRefused() {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    requests: [],
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** The longest id that a job may have. */
const longJobId = `web-${'x'.repeat(60)}`;

export const answers: FrontGroup = {
  title: 'Refusals, waits and unreadable answers',
  cases: [
    {
      name: 'an API key without monitor_ml',
      condition: 'The key lacks the cluster privilege `monitor_ml`.',
      answer: {
        to: 'GET /_ml/anomaly_detectors',
        status: 403,
        body: {
          error: {
            type: 'security_exception',
            reason:
              'action [cluster:monitor/xpack/ml/job/get] is unauthorized for API key id [k] of user [u], this action is granted by the cluster privileges [monitor_ml,manage_ml,manage,all]',
          },
          status: 403,
        },
      },
      says: [
        `${shownUrl} does not allow GET /_ml/anomaly_detectors`,
        'nothing was closed. Planning needs the cluster privilege monitor_ml, sweeping manage_ml.',
      ],
      exit: 5,
    },
    {
      name: 'a licence without machine learning',
      condition: 'The licence does not include machine learning, or has expired.',
      seenIn: ['elastic/kibana#150539'],
      answer: {
        to: 'GET /_ml/',
        status: 403,
        body: errorBody(403, 'security_exception', 'current license is non-compliant for [ml]'),
      },
      says: [
        `${shownUrl} has no licence for machine learning`,
        'nothing was closed. Check the licence: GET _license shows its type and when it ends.',
      ],
      exit: 5,
    },
    {
      name: 'a blocked index',
      condition: 'An index that the read needs is blocked.',
      seenIn: ['elastic/elasticsearch#91893'],
      answer: {
        to: 'GET /_ml/anomaly_detectors/_stats',
        status: 403,
        body: errorBody(
          403,
          'cluster_block_exception',
          'index [.ml-anomalies-shared] blocked by: [FORBIDDEN/4/index closed];',
        ),
      },
      says: [
        `${shownUrl} refuses GET /_ml/anomaly_detectors/_stats because of a block`,
        'The index .ml-anomalies-shared is closed, and without it the list of jobs is incomplete: open it with POST /.ml-anomalies-shared/_open',
      ],
      exit: 5,
    },
    {
      name: 'an index on a full disk',
      condition: 'An index that the read needs is blocked because the disk is full.',
      answer: {
        to: 'GET /_ml/anomaly_detectors/_stats',
        status: 403,
        body: errorBody(
          403,
          'cluster_block_exception',
          'index [.ml-anomalies-shared] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];',
        ),
      },
      says: [
        'Remove the block and its cause. For example, a full disk sets index.blocks.read_only_allow_delete.',
      ],
      exit: 5,
    },
    {
      name: 'a closed results index of one job',
      condition: 'The listing of stats fails as a whole because the results index of one job is closed.',
      answer: {
        to: 'GET /_ml/anomaly_detectors/_stats',
        status: 400,
        body: {
          error: { type: 'index_closed_exception', reason: 'closed', index: '.ml-anomalies-custom-bad' },
          status: 400,
        },
      },
      jobs: ['bad', 'job-a'],
      command: ['sweep', '--yes'],
      says: [
        '(HTTP 400 index_closed_exception: closed: index [.ml-anomalies-custom-bad]); nothing was closed. The index .ml-anomalies-custom-bad is closed',
        'open it with POST /.ml-anomalies-custom-bad/_open, or delete the jobs whose results it contains.',
      ],
      exit: 5,
    },
    ...unreadableJobs,
    {
      name: 'one job among others whose stats cannot be read after the close',
      condition:
        'After a close request, every read of stats that names `bad` is answered with `503` `search_phase_execution_exception`.',
      respond: unreadableAfterClose(),
      says: [],
      exit: 3,
      jobs: ['bad', 'job-a', 'job-b'],
      command: ['sweep', '--yes'],
      outcomes: { bad: 'unknown', 'job-a': 'closed', 'job-b': 'closed' },
    },
    {
      name: 'a firewall that refuses the caller',
      condition: 'A firewall in front of the cluster refuses the request with its own page.',
      answer: { status: 403, headers: { 'content-type': 'text/html' }, body: '<title>403 Forbidden</title>' },
      says: [
        `${shownUrl} has something in front of it that refuses`,
        'Check the access rules of the proxy, gateway or firewall in between.',
      ],
      exit: 5,
    },
    {
      name: 'a TLS handshake that fails',
      condition: 'The server wants a client certificate, or another TLS version.',
      start: handshakeRefused,
      says: [
        'cannot be reached: the TLS handshake failed; nothing was closed. Check which TLS versions the server allows, and whether it asks for a client certificate. (',
      ],
      exit: 5,
    },
    {
      name: 'a port where nothing listens',
      condition: 'Nothing listens at the port.',
      environment: () => ({ ELASTICSEARCH_URL: 'http://127.0.0.1:1' }),
      says: [
        'cannot be reached: nothing listens there; nothing was closed. Check the port in ELASTICSEARCH_URL, and that the cluster is up. (',
      ],
      exit: 5,
    },
    {
      name: 'a datafeed id that is longer than a job id may be',
      condition: `Kibana calls a datafeed \`datafeed-\` and the job id: for a job id of ${longJobId.length} characters the datafeed id has ${`datafeed-${longJobId}`.length}.`,
      seenIn: ['elastic/terraform-provider-elasticstack#3762'],
      jobs: [longJobId],
      command: ['sweep', '--yes'],
      says: [`1 of 1 job closed`],
      exit: 0,
      outcomes: { [longJobId]: 'closed' },
    },
    {
      name: 'a field that cannot be read',
      condition: '`last_data_time` of one job is a string instead of milliseconds.',
      spoil: ({ stats }) => {
        stats.jobs[0].data_counts.last_data_time = 'yesterday';
      },
      jobs: ['job-a', 'job-b'],
      says: [
        'job-a: kept as unknown_state, because data_counts.last_data_time is "yesterday" in GET _ml/anomaly_detectors/_stats',
      ],
      exit: 0,
      outcomes: { 'job-a': 'kept: unknown_state', 'job-b': 'not_attempted' },
    },
    {
      name: 'an id that no close may name',
      condition: 'A job has the name of a group, so a close that names it would close the group.',
      spoil: ({ configs }) => {
        configs.jobs[1].groups = ['job-a'];
      },
      jobs: ['job-a', 'job-b'],
      says: ['job-a: kept as unknown_state, because a group has the same name as the job'],
      exit: 0,
      outcomes: { 'job-a': 'kept: unknown_state', 'job-b': 'not_attempted' },
    },
    ...['jobSweep', 'job_sweep.protect', 'jobsweeep', 'jobswepe'].map(
      (key): FrontCase => ({
        name: `a misspelled opt-out, ${key}`,
        condition: `The owner of a job wrote \`{"custom_settings": {"${key}": true}}\`.`,
        spoil: ({ configs }) => {
          configs.jobs[0].custom_settings = { [key]: true };
        },
        says: [
          `custom_settings of job-a has the key "${key}", so the job is protected: the key is spelled "jobsweep", for example {"jobsweep": {"protect": true}}`,
        ],
        exit: 0,
        outcomes: { 'job-a': 'kept: protected' },
      }),
    ),
    ...['jobsweeper', 'protect'].map(
      (key): FrontCase => ({
        name: `an opt-out that jobsweep does not read, ${key}`,
        condition: `The owner of a job wrote \`{"custom_settings": {"${key}": true}}\`.`,
        spoil: ({ configs }) => {
          configs.jobs[0].custom_settings = { [key]: true };
        },
        says: [
          `the key "${key}" in custom_settings of job-a is not read and protects nothing: to keep a job out of sweeps, write {"jobsweep": {"protect": true}}`,
        ],
        exit: 0,
        outcomes: { 'job-a': 'not_attempted' },
      }),
    ),
    {
      name: 'a dotted opt-out',
      condition: 'The owner of a job wrote `{"custom_settings": {"jobsweep.protect": true}}`.',
      spoil: ({ configs }) => {
        configs.jobs[0].custom_settings = { 'jobsweep.protect': true };
      },
      says: ['protected'],
      exit: 0,
      outcomes: { 'job-a': 'kept: protected' },
    },
    {
      name: 'a job stuck in opening',
      condition: 'After a rolling upgrade a job stays `opening` although its process runs on a node.',
      seenIn: ['elastic/elasticsearch#126148'],
      spoil: ({ stats }) => {
        stats.jobs[0].state = 'opening';
      },
      says: [
        'job-a has been opening for 720 hours on ml-0, although its process runs',
        'close it: POST _ml/anomaly_detectors/job-a/_close, or "stuckOpening": "close" once it is idle',
      ],
      exit: 0,
      outcomes: { 'job-a': 'kept: opening' },
    },
    {
      name: 'a job stuck in opening that the request closes',
      condition: 'The same, and the request has `"stuckOpening": "close"`.',
      seenIn: ['elastic/elasticsearch#126148'],
      spoil: ({ stats }) => {
        stats.jobs[0].state = 'opening';
      },
      command: ['sweep', '--yes'],
      request: { stuckOpening: 'close' },
      says: ['job-a has been opening for 720 hours on ml-0'],
      exit: 0,
      outcomes: { 'job-a': 'closed' },
    },
    {
      name: 'a gateway that asks for a longer wait than the sweep has',
      condition: 'A gateway in front of the cluster asks for a wait of an hour.',
      answer: {
        status: 503,
        headers: { 'retry-after': '3600', 'content-type': 'text/html' },
        body: '<title>Scheduled maintenance</title>',
      },
      says: [
        `${shownUrl} has something in front of it that cannot reach it (HTTP 503: Scheduled maintenance), and asks to wait 1h; nothing was closed. Try again after that.`,
      ],
      exit: 5,
      withinMs: 0,
    },
    {
      name: 'a cluster that asks for a longer wait than the sweep has',
      condition: 'The cluster itself asks for a wait of 15 minutes, as long as the whole sweep may take.',
      answer: {
        to: 'GET /_ml/',
        status: 429,
        headers: { 'retry-after': '900' },
        body: errorBody(429, 'circuit_breaking_exception', '[parent] Data too large'),
      },
      says: [
        '(HTTP 429 circuit_breaking_exception: [parent] Data too large), and asks to wait 15m; nothing was closed. Try again after that.',
      ],
      exit: 5,
      withinMs: 0,
    },
    {
      name: 'a requested wait of a year',
      condition: 'A gateway asks for a wait of a year.',
      answer: { status: 429, headers: { 'retry-after': '31536000' }, body: 'Too Many Requests' },
      says: ['(HTTP 429: Too Many Requests), and asks to wait 365d'],
      exit: 5,
      withinMs: 0,
    },
    {
      name: 'a requested wait that fits the time left',
      condition: 'The cluster is busy, asks for a wait of 40 seconds, and then recovers.',
      answer: {
        to: 'GET /_ml/anomaly_detectors/_stats',
        times: 1,
        status: 429,
        headers: { 'retry-after': '40' },
        body: errorBody(429, 'es_rejected_execution_exception', 'rejected execution'),
      },
      says: ['the cluster answers HTTP 429 (rejected execution); trying again in 40s'],
      exit: 0,
      outcomes: { 'job-a': 'not_attempted' },
      withinMs: 40_000,
    },
    ...oneBadJob,
  ],
};
