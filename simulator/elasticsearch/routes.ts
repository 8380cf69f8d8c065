/** @module The list of all endpoints. */
import { catDatafeedsRoute } from './api/cat-datafeeds.ts';
import { catJobsRoute } from './api/cat-jobs.ts';
import { closeJobRoute } from './api/close-job.ts';
import { clusterSettingsRoutes } from './api/cluster-settings.ts';
import { dataStreamsRoutes } from './api/data-streams.ts';
import { deleteJobRoutes } from './api/delete-job.ts';
import { documentsRoutes } from './api/documents.ts';
import { flushJobRoute } from './api/flush-job.ts';
import { forecastRoutes } from './api/forecast.ts';
import { getDatafeedsRoutes } from './api/get-datafeeds.ts';
import { getJobsRoutes } from './api/get-jobs.ts';
import { memoryStatsRoute } from './api/memory-stats.ts';
import { openJobRoute } from './api/open-job.ts';
import { indicesRoutes } from './api/plain-indices.ts';
import { postDataRoute } from './api/post-data.ts';
import { previewDatafeedRoute } from './api/preview-datafeed.ts';
import { putDatafeedRoute } from './api/put-datafeed.ts';
import { putJobRoute } from './api/put-job.ts';
import { resultsRoutes } from './api/results.ts';
import { rootRoutes } from './api/root.ts';
import { runDatafeedRoutes } from './api/run-datafeed.ts';
import { securityRoutes } from './api/security-calls.ts';
import { surroundingsRoutes } from './api/surroundings.ts';
import { tasksRoutes } from './api/tasks.ts';
import { updateDatafeedRoute } from './api/update-datafeed.ts';
import { updateJobRoute } from './api/update-job.ts';
import { upgradeModeRoute } from './api/upgrade-mode.ts';
import { validateRoutes } from './api/validate-job.ts';
import type { Route } from './http/call.ts';

export const routes: readonly Route[] = [
  ...rootRoutes,
  ...getJobsRoutes,
  ...getDatafeedsRoutes,
  ...runDatafeedRoutes,
  putJobRoute,
  putDatafeedRoute,
  openJobRoute,
  closeJobRoute,
  ...deleteJobRoutes,
  postDataRoute,
  flushJobRoute,
  ...forecastRoutes,
  ...validateRoutes,
  updateJobRoute,
  updateDatafeedRoute,
  upgradeModeRoute,
  memoryStatsRoute,
  catJobsRoute,
  catDatafeedsRoute,
  ...clusterSettingsRoutes,
  ...securityRoutes,
  previewDatafeedRoute,
  ...resultsRoutes,
  ...tasksRoutes,
  ...surroundingsRoutes,
  ...dataStreamsRoutes,
  ...indicesRoutes,
  ...documentsRoutes,
];
