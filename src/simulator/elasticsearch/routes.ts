/** @module Every endpoint. */
import { closeJobRoute } from './api/close-job.ts';
import { deleteJobRoutes } from './api/delete-job.ts';
import { getDatafeedsRoutes } from './api/get-datafeeds.ts';
import { getJobsRoutes } from './api/get-jobs.ts';
import { openJobRoute } from './api/open-job.ts';
import { postDataRoute } from './api/post-data.ts';
import { putDatafeedRoute } from './api/put-datafeed.ts';
import { putJobRoute } from './api/put-job.ts';
import { rootRoutes } from './api/root.ts';
import { runDatafeedRoutes } from './api/run-datafeed.ts';
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
];
