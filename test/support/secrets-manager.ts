/** @module Simulates Secrets Manager over HTTP: reads a secret, and lists secrets by the beginning of their names. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SecretsManager extends AsyncDisposable {
  readonly url: string;
  /** The names of the secrets that were requested, in order. */
  readonly asked: readonly string[];
  /** How many pages of lists were requested. */
  readonly pages: number;
}

/**
 * Serves these secrets by name. For any other name, the answer is a ResourceNotFoundException. The secrets may change
 * later.
 */
export async function startSecretsManager(
  secrets: Readonly<Record<string, string>>,
  onAsked: (name: string) => void = () => undefined,
): Promise<SecretsManager> {
  const asked: string[] = [];
  let pages = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as ListRequest & { SecretId?: string };
      const { SecretId = '' } = body;
      const answer = (status: number, body: object) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(JSON.stringify(body));
      };
      if (request.headers['x-amz-target'] === 'secretsmanager.ListSecrets') {
        pages += 1;
        return answer(200, listed(Object.keys(secrets), body));
      }
      if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue')
        return answer(400, { __type: 'UnknownOperationException' });
      asked.push(SecretId);
      onAsked(SecretId);
      const SecretString = secrets[SecretId];
      if (SecretString === undefined)
        return answer(400, {
          __type: 'ResourceNotFoundException',
          Message: "Secrets Manager can't find the specified secret.",
        });
      answer(200, {
        ARN: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${SecretId}-AbCdEf`,
        Name: SecretId,
        VersionId: '5048549e-0c40-43a7-8d3b-6c9e5ad4b8e1',
        VersionStages: ['AWSCURRENT'],
        SecretString,
        CreatedDate: 1_795_000_000,
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get pages() {
      return pages;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface ListRequest {
  readonly MaxResults?: number;
  readonly NextToken?: string;
  readonly Filters?: readonly { readonly Key: string; readonly Values: readonly string[] }[];
}

/** One page of the names that begin with one of the filter's values. */
function listed(
  names: readonly string[],
  { MaxResults = 100, NextToken = '0', Filters = [] }: ListRequest,
): object {
  const values = Filters.find(({ Key }) => Key === 'name')?.Values ?? [''];
  const found = names.filter((name) => values.some((value) => name.startsWith(value)));
  const next = Number(NextToken) + MaxResults;
  return {
    SecretList: found.slice(Number(NextToken), next).map((Name) => ({ Name })),
    ...(next < found.length && { NextToken: String(next) }),
  };
}
