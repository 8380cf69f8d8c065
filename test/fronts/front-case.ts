/**
 * @module The type of a case: one condition of a cluster, or of a proxy in front of it. `fronts.test.ts` runs each case,
 * and `npm run docs` writes `docs/fronts-and-clusters.md` from the same list, so this file imports no test runner.
 */
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import type { OutcomeName } from '../../src/sweep/vocabulary.ts';
import type { Json, MlAnswers } from '../support/ml-answers.ts';
import type { CertificateName, Exchange, ScriptedServer } from '../support/scripted-server.ts';

/** An answer that the server sends to all matching requests; the page shows it. */
export interface FrontAnswer {
  /** Answers only requests that begin with this text, such as `POST /_ml/`. Default: all requests. */
  readonly to?: string;
  /** How many times this answer is given. After that, a healthy cluster answers. Default: always. */
  readonly times?: number;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON with Elasticsearch's product header. A string is sent unchanged, without that header. */
  readonly body: Json;
}

export interface FrontCase {
  /** The title of the test. */
  readonly name: string;
  /** What the server or the proxy does, in one sentence. */
  readonly condition: string;
  /** Where this condition was seen: `owner/repository#number`, or an address. */
  readonly seenIn?: readonly string[];

  /** What the server answers. A healthy cluster with `jobs` answers everything else. */
  readonly answer?: FrontAnswer;
  /** Changes the healthy cluster's answers, for example one field of one job. */
  readonly spoil?: (answers: MlAnswers) => void;
  /** Answers requests in any other way. `healthy` answers like a healthy cluster. */
  readonly respond?: (exchange: Exchange, healthy: () => void) => void | Promise<void>;
  /** Accepts requests and never answers. */
  readonly silent?: true;
  /** Uses HTTPS with this certificate. */
  readonly tls?: CertificateName;
  /** Starts the server, if the fields above cannot describe it. */
  readonly start?: () => Promise<ScriptedServer>;

  /** The jobs of the cluster, all idle. Default: one job, `job-a`. */
  readonly jobs?: readonly string[];
  /** The command to run. Default: `plan`. */
  readonly command?: readonly [string, ...string[]];
  readonly request?: RequestPayload;
  /** The environment variables, given the server's address. Default: only `ELASTICSEARCH_URL`. */
  readonly environment?: (url: string) => Readonly<Record<string, string>>;

  /**
   * Texts that standard error or the report must contain; empty if there is no problem. `shownUrl` stands for the
   * server's address.
   */
  readonly says: readonly string[];
  readonly exit: 0 | 1 | 2 | 3 | 4 | 5;
  /** The outcomes of jobs, by id. A kept job also has its reason, after a colon. */
  readonly outcomes?: Readonly<Record<string, Exclude<OutcomeName, 'kept'> | `kept: ${string}`>>;
  /** The maximum duration, in milliseconds of simulated time. */
  readonly withinMs?: number;
}

export interface FrontGroup {
  readonly title: string;
  readonly cases: readonly FrontCase[];
}

/** Stands for the address of a case's server, on the page and in `says`. */
export const shownUrl = 'http://es.example:9200';
