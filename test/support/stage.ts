import { stageParameters } from '../../deploy/stage-parameters.ts';
import type { template } from '../../deploy/template.ts';
import { root } from './bin.ts';

/** The parameters of the stage `test`, as in `serverless.yml`. */
export const defaultParameters = stageParameters(root, 'test').parameters;

/** The environment variables of a stage's function. */
export const variablesOf = ({ sweepFunction }: ReturnType<typeof template>) =>
  sweepFunction.Properties.Environment.Variables;
