/**
 * @module The life of a forecast: scheduled, started, finished. If the job's process is killed, a forecast stays
 * `started`.
 */
import type { ClusterState } from './cluster-state.ts';
import type { Forecast, Job } from './job.ts';

const scheduledMs = 200;

export interface ForecastOptions {
  /** Milliseconds of event time to forecast. */
  readonly duration: number;
  readonly expiresIn: number;
  /** Milliseconds that the process works on the forecast; the default grows with the number of buckets. */
  readonly takes?: number | undefined;
}

export function beginForecast(cluster: ClusterState, job: Job, options: ForecastOptions): Forecast {
  const now = cluster.clock.now();
  const buckets = Math.max(1, Math.ceil(options.duration / job.traits.bucketSpan));
  const takes = options.takes ?? Math.min(300_000, 500 + 2 * buckets);
  const forecast: Forecast = {
    id: cluster.random.id(20, 'forecast', job.id, job.forecasts.length, now),
    state: 'scheduled',
    startedAt: now,
    memoryBytes: 400_000 + 100 * buckets,
    records: buckets,
    processingMs: takes,
    expires: now + options.expiresIn,
  };
  job.forecasts.push(forecast);
  forecast.cancel = cluster.clock.at(now + scheduledMs, () => {
    forecast.state = 'started';
    forecast.cancel = cluster.clock.at(now + scheduledMs + takes, () => {
      forecast.state = 'finished';
    });
  });
  return forecast;
}
