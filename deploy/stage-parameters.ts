/** @module Reads a stage's parameters from `serverless.yml`, for tools that run without the framework. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

interface Service {
  readonly service: string;
  readonly params: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * The stage's parameters. Parameters that the stage does not set have their defaults. Values in `given` take precedence
 * over both, like `--param`.
 */
export function stageParameters(root: string, stage: string, given: Readonly<Record<string, unknown>> = {}) {
  const { service, params } = parse(readFileSync(path.join(root, 'serverless.yml'), 'utf8')) as Service;
  const filled = (value: unknown) =>
    typeof value === 'string'
      ? value.replaceAll(`\${self:service}`, service).replaceAll(`\${sls:stage}`, stage)
      : value;
  const parameters = Object.entries({ ...params.default, ...params[stage], ...given });
  return {
    service,
    parameters: Object.fromEntries(parameters.map(([name, value]) => [name, filled(value)])),
  };
}
