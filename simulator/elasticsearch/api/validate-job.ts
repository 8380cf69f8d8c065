/** @module Validating a job or a detector without creating it. */
import { datafeedParser } from '../config/datafeed-config.ts';
import { completeDetector, detectorParser } from '../config/detector.ts';
import { completeJob } from '../config/job-config.ts';
import { jobParser } from '../config/job-parser.ts';
import { type Route, route } from '../http/call.ts';
import { jobContext } from './put-job.ts';

const parser = jobParser(datafeedParser);

export const validateRoutes: readonly Route[] = [
  route(
    'ml.validate',
    'POST',
    '/_ml/anomaly_detectors/_validate',
    ['manage_ml', 'cluster:admin/xpack/ml/job/validate'],
    (call) => {
      const body = call.body.read(parser);
      const id = (body.job_id as string | undefined) ?? 'ok';
      completeJob(id, body, jobContext(call.context.cluster));
      return () => ({ body: { acknowledged: true } });
    },
  ),
  route(
    'ml.validate_detector',
    'POST',
    '/_ml/anomaly_detectors/_validate/detector',
    ['manage_ml', 'cluster:admin/xpack/ml/job/validate/detector'],
    (call) => {
      completeDetector(call.body.read(detectorParser), 0);
      return () => ({ body: { acknowledged: true } });
    },
  ),
];
