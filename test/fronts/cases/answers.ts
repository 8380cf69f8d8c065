/** @module Answers that refuse, ask to wait, or cannot be read. */
import { type FrontGroup, shownUrl } from '../front-case.ts';

export const answers: FrontGroup = {
  title: 'Refusals, waits and unreadable answers',
  cases: [
    {
      name: 'an API key without monitor_ml',
      condition: 'The key lacks the cluster privilege `monitor_ml`.',
      answer: {
        to: 'GET /_ml/anomaly_detectors',
        status: 403,
        body: {
          error: {
            type: 'security_exception',
            reason:
              'action [cluster:monitor/xpack/ml/job/get] is unauthorized for API key id [k] of user [u], this action is granted by the cluster privileges [monitor_ml,manage_ml,manage,all]',
          },
          status: 403,
        },
      },
      says: [
        `${shownUrl} does not allow GET /_ml/anomaly_detectors`,
        'nothing was closed. Planning needs the cluster privilege monitor_ml, sweeping manage_ml.',
      ],
      exit: 5,
    },
  ],
};
