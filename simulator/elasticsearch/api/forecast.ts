/**
 * @module Forecasts. The job's process takes some time for each forecast, and the job stats count the forecasts
 * (docs/elasticsearch.md §3.10).
 */
import { badRequest, conflict, illegalArgument, notFound } from '../errors.ts';
import { type Call, type Route, route } from '../http/call.ts';
import type { JsonObject, ObjectParser } from '../http/object-parser.ts';
import { beginForecast } from '../state/forecasting.ts';
import type { Forecast, Job } from '../state/job.ts';
import { parseByteSize, parseTimeValue, printByteSize, printTimeValue } from '../units.ts';
import { oneJob } from './name-parameter.ts';
import { checkProcess } from './post-data.ts';

const action = 'cluster:admin/xpack/ml/job/forecast';
const day = 86_400_000;

const time = (name: string) => ({
  kind: 'string' as const,
  check: (value: string) => parseTimeValue(value, name),
});

const parser: ObjectParser = {
  name: action,
  fields: {
    job_id: 'string',
    duration: time('duration'),
    expires_in: time('expires_in'),
    max_model_memory: { kind: 'string', check: (value: string) => parseByteSize(value, 'max_model_memory') },
  },
};

export const forecastRoutes: readonly Route[] = [
  route('ml.forecast', 'POST', '/_ml/anomaly_detectors/{job_id}/_forecast', ['manage_ml', action], (call) => {
    const given = call.body.present ? call.body.read(parser) : fromQuery(call);
    const duration = (given.duration as number | undefined) ?? day;
    const expiresIn = (given.expires_in as number | undefined) ?? 14 * day;
    const memory = (given.max_model_memory as number | undefined) ?? 20 * 2 ** 20;
    if (duration <= 0) throw illegalArgument(`[duration] must be positive: [${printTimeValue(duration)}]`);
    if (expiresIn < 0)
      throw illegalArgument(`[expires_in] must be non-negative: [${printTimeValue(expiresIn)}]`);
    if (memory >= 500 * 2 ** 20)
      throw illegalArgument(`[max_model_memory] must be less than 500mb, got [${printByteSize(memory)}]`);
    return () => {
      const { cluster } = call.context;
      const job = oneJob(call, call.parameters.job_id ?? '');
      checkProcess(call, job, 'Cannot run forecast');
      checkForecastable(job);
      const forecast = beginForecast(cluster, job, { duration, expiresIn });
      return { body: { acknowledged: true, forecast_id: forecast.id } };
    };
  }),
  route(
    'ml.delete_forecast',
    'DELETE',
    ['/_ml/anomaly_detectors/{job_id}/_forecast', '/_ml/anomaly_detectors/{job_id}/_forecast/{forecast_id}'],
    ['manage_ml', 'cluster:admin/xpack/ml/job/forecast/delete'],
    (call) => {
      call.query.time('timeout', 30_000);
      const allowNone = call.query.flag('allow_no_forecasts', true);
      return () => deleteForecasts(call, call.parameters.forecast_id ?? '_all', allowNone);
    },
  ),
];

function fromQuery({ query }: Call): JsonObject {
  const memory = query.text('max_model_memory');
  return {
    ...(query.has('duration') && { duration: query.time('duration', day) }),
    ...(query.has('expires_in') && { expires_in: query.time('expires_in', 14 * day) }),
    ...(memory !== undefined && { max_model_memory: parseByteSize(memory, 'max_model_memory') }),
  };
}

function checkForecastable(job: Job): void {
  const { detectors } = job.config.analysis_config as { detectors: JsonObject[] };
  if (detectors.some((detector) => detector.over_field_name !== undefined))
    throw badRequest('Cannot run forecast: Forecast is not supported for population analysis');
  if (job.counts.processed === 0)
    throw badRequest(
      'Cannot run forecast: Forecast cannot be executed as job requires data to have been processed and modeled',
    );
}

function deleteForecasts(call: Call, ids: string, allowNone: boolean) {
  const job = oneJob(call, call.parameters.job_id ?? '');
  const all = ids === '_all' || ids === '*';
  const wanted = ids.split(',').map((id) => id.trim());
  const chosen = job.forecasts.filter((forecast) => all || wanted.includes(forecast.id));
  if (chosen.length === 0 && !(all && allowNone))
    throw notFound(`No forecast(s) [${ids}] exists for job [${job.id}]`);
  const busy = (forecast: Forecast) => forecast.state === 'scheduled' || forecast.state === 'started';
  const running = chosen.filter(busy).map((forecast) => forecast.id);
  if (running.length > 0)
    throw conflict(
      `Cannot delete: Forecast(s) [${running.join(', ')}] for job [${job.id}] needs to be either FAILED or FINISHED to be deleted`,
    );
  job.forecasts = job.forecasts.filter((forecast) => !chosen.includes(forecast));
  return { body: { acknowledged: true } };
}
