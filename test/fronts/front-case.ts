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
  /** Answers the requests that begin with this text, such as `POST /_ml/`; without it, all. */
  readonly to?: string;
  /** Answers only this many of them; a healthy cluster answers the rest. */
  readonly times?: number;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON with Elasticsearch's header, a string as it is without the header. */
  readonly body: Json;
}

export interface FrontCase {
  /** The title of the test. */
  readonly name: string;
  /** What the server or the proxy does, in one sentence. */
  readonly condition: string;
  /** Where it was seen: `owner/repository#number`, or an address. */
  readonly seenIn?: readonly string[];

  /** What the server answers. A healthy cluster with `jobs` answers everything else. */
  readonly answer?: FrontAnswer;
  /** Changes the healthy cluster's answers, for example one field of one job. */
  readonly spoil?: (answers: MlAnswers) => void;
  /** Answers requests in any other way. `healthy` answers like a healthy cluster. */
  readonly respond?: (exchange: Exchange, healthy: () => void) => void | Promise<void>;
  /** Accepts requests and never answers. */
  readonly silent?: true;
  /** Speaks HTTPS with that certificate. */
  readonly tls?: CertificateName;
  /** Starts the server, if it needs more than that. */
  readonly start?: () => Promise<ScriptedServer>;

  /** The jobs of the cluster, each idle; one, `job-a`, if not given. */
  readonly jobs?: readonly string[];
  /** `plan`, if not given. */
  readonly command?: readonly [string, ...string[]];
  readonly request?: RequestPayload;
  /** The environment, given the server's address; only `ELASTICSEARCH_URL`, if not given. */
  readonly environment?: (url: string) => Readonly<Record<string, string>>;

  /** Exact parts of standard error or of the report; empty if all is well. `shownUrl` stands for the server's address. */
  readonly says: readonly string[];
  readonly exit: 0 | 1 | 2 | 3 | 4 | 5;
  /** The outcomes of jobs, by id; for a kept job with its reason after a colon. */
  readonly outcomes?: Readonly<Record<string, Exclude<OutcomeName, 'kept'> | `kept: ${string}`>>;
  /** The maximum duration, in milliseconds of simulated time. */
  readonly withinMs?: number;
}

export interface FrontGroup {
  readonly title: string;
  readonly cases: readonly FrontCase[];
}

/** The address of a case's server, on the page and in `says`. */
export const shownUrl = 'http://es.example:9200';
