/**
 * @module Cases about servers that are not Elasticsearch, compressed answers, certificates, and settings that cannot
 * work.
 */
import { deflateRawSync } from 'node:zlib';
import { type CertificateName, productHeaders, serve } from '../../support/scripted-server.ts';
import { type FrontCase, type FrontGroup, shownUrl } from '../front-case.ts';

const json = { 'content-type': 'application/json' };

/** A server whose certificate is not trusted. It never receives a request. */
const untrusted =
  (tls: CertificateName, chain: readonly string[]): NonNullable<FrontCase['start']> =>
  () =>
    serve(({ raw }) => raw('', 500), { tls, chain });

const tlsFile = (name: string) => `test/support/tls/${name}.pem`;
const withSetting =
  (name: string, value: string): NonNullable<FrontCase['environment']> =>
  (url) => ({ ELASTICSEARCH_URL: url, [name]: value });

/** Encodes every answer of a healthy cluster. */
const packed =
  (encoding: string, pack: (body: Buffer) => Buffer): NonNullable<FrontCase['respond']> =>
  ({ response }, healthy) => {
    const end = response.end.bind(response);
    const writeHead = response.writeHead.bind(response);
    response.writeHead = ((status: number, headers: object) =>
      writeHead(status, { ...headers, 'content-encoding': encoding })) as typeof response.writeHead;
    response.end = ((body: string) => end(pack(Buffer.from(body)))) as typeof response.end;
    healthy();
  };

/** The example key of Elastic's documentation. */
const key = { id: 'VuaCfGcBCdbkQm-e5aOx', api_key: 'ui2lp2axTNmsyakw9tvNnw' };
const badKeys: FrontCase[] = (
  [
    ['the secret half of an API key', key.api_key, 'is only one part of a key'],
    [
      'an API key encoded with the line break of echo',
      Buffer.from(`${key.id}:${key.api_key}\n`).toString('base64'),
      'is the base64 of a key with a space or line break',
    ],
    [
      'the answer of the call that creates an API key',
      JSON.stringify(key),
      'is the whole response of the create call',
    ],
  ] as const
).map(([name, value, says]) => ({
  name,
  condition: `ELASTICSEARCH_API_KEY is ${name}.`,
  environment: withSetting('ELASTICSEARCH_API_KEY', value),
  says: [`the environment: ELASTICSEARCH_API_KEY ${says}`],
  exit: 2,
}));

export const addresses: FrontGroup = {
  title: 'Other servers, certificates, packing and keys',
  cases: [
    {
      name: 'Kibana at the address of Elasticsearch',
      condition: 'The address is that of Kibana.',
      answer: {
        status: 404,
        headers: json,
        body: '{"statusCode":404,"error":"Not Found","message":"Not Found"}',
      },
      says: [
        `${shownUrl} answers GET /_ml/`,
        'as Kibana does (HTTP 404: Not Found); nothing was closed.',
        'This is the address of Kibana: set ELASTICSEARCH_URL to that of Elasticsearch',
      ],
      exit: 5,
    },
    {
      name: 'an AWS domain that refuses the caller',
      condition: 'A domain of AWS, or an API gateway, refuses the request with its own JSON.',
      answer: {
        status: 403,
        headers: json,
        body: '{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet"}',
      },
      says: [
        `${shownUrl} has something in front of it that refuses GET /_ml/`,
        '(HTTP 403: User: anonymous is not authorized to perform: es:ESHttpGet)',
      ],
      exit: 5,
    },
    {
      name: 'the Elastic Cloud proxy if it does not know the deployment',
      condition: 'The proxy of Elastic Cloud does not know the deployment.',
      answer: { status: 404, headers: json, body: '{"ok":false,"message":"Unknown resource."}' },
      says: [`${shownUrl} answers GET /_ml/`, 'but not as an Elasticsearch (HTTP 404: Unknown resource.)'],
      exit: 5,
    },
    {
      name: 'a redirect to the same path with https',
      condition: 'A proxy redirects each request to the same path with https.',
      respond: ({ request, raw }) => raw('', 301, { location: `https://127.0.0.1${request.url}` }),
      says: ['it redirects to https://127.0.0.1/_ml/', 'Set ELASTICSEARCH_URL to https://127.0.0.1'],
      exit: 5,
    },
    {
      name: 'plain HTTP at a port that speaks TLS',
      condition: 'The port speaks TLS, and the address begins with http://.',
      answer: {
        status: 400,
        headers: { 'content-type': 'text/html' },
        body: '<title>400 The plain HTTP request was sent to HTTPS port</title>',
      },
      says: [
        `${shownUrl} cannot be reached: it speaks only TLS; nothing was closed. Set ELASTICSEARCH_URL to https:// instead of http://.`,
      ],
      exit: 5,
    },
    {
      name: 'a server that does not send its intermediate certificate',
      condition: 'The server sends its own certificate without the intermediate one, and the root is set.',
      start: untrusted('below-intermediate', []),
      environment: withSetting('ELASTICSEARCH_CA_CERT', tlsFile('root')),
      says: [
        'its certificate is not trusted (CN=localhost is signed by CN=jobsweep test intermediate, which the server does not send and which is not a known authority)',
        'Add the certificate of the authority that signed it to ELASTICSEARCH_CA_CERT, or let the server send its whole chain.',
      ],
      exit: 5,
    },
    {
      name: 'only the intermediate certificate in ELASTICSEARCH_CA_CERT',
      condition: 'The setting contains only the intermediate certificate, which curl accepts.',
      tls: 'below-intermediate',
      environment: withSetting('ELASTICSEARCH_CA_CERT', tlsFile('intermediate')),
      says: [],
      exit: 0,
    },
    {
      name: 'a proxy that adds X-Elastic-Product a second time',
      condition: 'A proxy adds the header `X-Elastic-Product` a second time.',
      respond: ({ response }, healthy) => {
        const writeHead = response.writeHead.bind(response);
        response.writeHead = ((status: number) =>
          writeHead(status, {
            ...productHeaders,
            'x-elastic-product': ['Elasticsearch', 'Elasticsearch'],
          })) as typeof response.writeHead;
        healthy();
      },
      says: [],
      exit: 0,
    },
    {
      name: 'answer headers of more than 16 KB',
      condition: 'A proxy adds headers of more than 16 KB, such as cookies.',
      respond: ({ json: answer }) => answer({}, 200, { 'x-large': 'x'.repeat(17_000) }),
      says: ['its headers are larger than 16 KB', 'Is a proxy in between that changes answers?'],
      exit: 5,
    },
    {
      name: 'raw deflate',
      condition: 'Answers are compressed as `deflate` without a zlib header.',
      respond: packed('deflate', deflateRawSync),
      says: [],
      exit: 0,
    },
    {
      name: 'a gzip header on a plain body',
      condition: 'A proxy decompresses answers but keeps the header `content-encoding: gzip`.',
      respond: packed('gzip', (body) => body),
      says: ['its header says gzip, but its body is not'],
      exit: 5,
    },
    {
      name: 'a server that takes requests and never answers',
      condition: 'The server accepts requests and never answers.',
      silent: true,
      says: [
        'the cluster has not answered GET /',
        'for 5s; waiting up to 25s more',
        `${shownUrl} cannot be reached: it does not answer; nothing was closed. Check ELASTICSEARCH_URL and the network in between`,
      ],
      exit: 5,
    },
    {
      name: 'a server that never answers, with little time left',
      condition: 'The server never answers, and the deadline comes first.',
      silent: true,
      command: ['plan', '--deadline', '30s'],
      says: [`${shownUrl} did not answer GET /_ml/`, 'Check ELASTICSEARCH_URL and the network in between'],
      exit: 5,
      withinMs: 30_000,
    },
    ...badKeys,
    {
      name: 'a password that ends with a line break',
      condition: 'ELASTICSEARCH_PASSWORD ends with a line break.',
      environment: (url) => ({
        ELASTICSEARCH_URL: url,
        ELASTICSEARCH_USERNAME: 'sweeper',
        ELASTICSEARCH_PASSWORD: 'not-a-secret\n',
      }),
      says: ['the environment: ELASTICSEARCH_PASSWORD ends with a line break: remove it'],
      exit: 2,
    },
  ],
};
