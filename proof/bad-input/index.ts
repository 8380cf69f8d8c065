/** @module The list of all properties for bad input. */
import { answers } from './answers.ts';
import { clustersFile } from './clusters-file.ts';
import { fleetFile } from './fleet-file.ts';
import { history } from './history.ts';
import { hostileText } from './hostile-text.ts';
import { logLines } from './log-lines.ts';
import { payload } from './payload.ts';
import { payloadText } from './payload-text.ts';
import { realProcess } from './process.ts';
import type { BadInput } from './property.ts';
import { reopen } from './reopen.ts';
import { savedPlan } from './saved-plan.ts';
import { scheduleFile } from './schedule-file.ts';
import { settings } from './settings.ts';

export const badInputs: readonly BadInput[] = [
  payload,
  payloadText,
  scheduleFile,
  fleetFile,
  settings,
  clustersFile,
  reopen,
  history,
  savedPlan,
  answers,
  hostileText,
  logLines,
  realProcess,
];
