/** @module The order of a job's fields. */
import type { JobConfig } from '../state/job.ts';

/** The order in which the server writes a job's fields, no matter when they were set. */
const order = [
  'job_id job_type job_version groups description create_time finished_time analysis_config analysis_limits',
  'data_description model_plot_config renormalization_window_days background_persist_interval',
  'model_snapshot_retention_days daily_model_snapshot_retention_after_days results_retention_days custom_settings',
].flatMap((names) => names.split(' '));

/** A config with its fields in the server's order, without undefined fields. */
export function ordered(config: JobConfig): JobConfig {
  const names = [...order, ...Object.keys(config).filter((name) => !order.includes(name))];
  return Object.fromEntries(
    names.filter((name) => config[name] !== undefined).map((name) => [name, config[name]]),
  ) as JobConfig;
}
