/** @module A stand-in of Secrets Manager over HTTP: the one call that the function makes. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SecretsManager extends AsyncDisposable {
  readonly url: string;
  /** Names that were asked for, in order. */
  readonly asked: readonly string[];
}

/** Serves those secrets, by name; any other is a ResourceNotFoundException. */
export async function startSecretsManager(
  secrets: Readonly<Record<string, string>>,
): Promise<SecretsManager> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { SecretId = '' } = JSON.parse(Buffer.concat(parts).toString()) as { SecretId?: string };
      const answer = (status: number, body: object) => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(JSON.stringify(body));
      };
      if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue')
        return answer(400, { __type: 'UnknownOperationException' });
      asked.push(SecretId);
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
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
