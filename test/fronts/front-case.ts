/**
 * @module The form of one condition that a cluster, or what stands in front of it, was met in. `fronts.test.ts` runs each
 * case, and `npm run docs` writes `docs/fronts-and-clusters.md` from the same list, so this file imports no test runner.
 */
import type { RequestPayload } from '../../src/sweep/request/request-schema.ts';
import type { OutcomeName } from '../../src/sweep/vocabulary.ts';
import type { Json, MlAnswers } from '../support/ml-answers.ts';
import type { CertificateName, Exchange, ScriptedServer } from '../support/scripted-server.ts';

/** One answer, sent to every request that it is for; the page shows it. */
export interface FrontAnswer {
  /** The requests that it answers, as the page shows them and as they begin, such as `POST /_ml/`; without it, all. */
  readonly to?: string;
  /** How many of those requests it answers, the first ones; the rest are answered as by a healthy cluster. */
  readonly times?: number;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON with the header of Elasticsearch; a text is sent as it is, without. */
  readonly body: Json;
}

export interface FrontCase {
  /** Names the test, and the row. */
  readonly name: string;
  /** What the server, or what stands in front of it, does: one sentence. */
  readonly condition: string;
  /** Where it was seen: `owner/repository#number`, or an address. */
  readonly seenIn?: readonly string[];

  /** What the server answers. A healthy cluster with `jobs` answers everything else. */
  readonly answer?: FrontAnswer;
  /** Changes the healthy cluster's answers, for example one field of one job. */
  readonly spoil?: (answers: MlAnswers) => void;
  /** For what neither of the two can do. `healthy` answers as a healthy cluster. */
  readonly respond?: (exchange: Exchange, healthy: () => void) => void | Promise<void>;
  /** Takes requests and never answers. */
  readonly silent?: true;
  /** Speaks HTTPS with that certificate. */
  readonly tls?: CertificateName;
  /** Starts the server, where it takes more than that. */
  readonly start?: () => Promise<ScriptedServer>;

  /** The jobs of the cluster, each idle; one, `job-a`, if not given. */
  readonly jobs?: readonly string[];
  /** `plan`, if not given. */
  readonly command?: readonly [string, ...string[]];
  readonly request?: RequestPayload;
  /** The environment, given the server's address; only `ELASTICSEARCH_URL`, if not given. */
  readonly environment?: (url: string) => Readonly<Record<string, string>>;

  /** What standard error or the report must say, each to the letter; nothing, where all is well. The server's address stands as `shownUrl`. */
  readonly says: readonly string[];
  readonly exit: 0 | 1 | 2 | 3 | 4 | 5;
  /** What becomes of jobs, by id: an outcome, or for a kept job its reason after a colon. */
  readonly outcomes?: Readonly<Record<string, Exclude<OutcomeName, 'kept'> | `kept: ${string}`>>;
  /** How long it takes at most, in milliseconds of simulated time. */
  readonly withinMs?: number;
}

export interface FrontGroup {
  readonly title: string;
  readonly cases: readonly FrontCase[];
}

/** Stands on the page, and in `says`, for the address of a case's own server. */
export const shownUrl = 'http://es.example:9200';
