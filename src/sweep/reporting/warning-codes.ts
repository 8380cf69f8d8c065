/** @module The warnings of a report, each with a code: the name of its section in docs/runbook.md. */

/** For each code, a pattern that identifies the warning. A test compares the codes with the headings of the runbook. */
export const warnings = {
  'schedule-without-input': /^the schedule that started this sweep has no Input/,
  'node-debug': /^NODE_DEBUG is set/,
  'clock-ahead': /clock is \d+ minutes? ahead of the Date/,
  'clock-behind': /clock is \d+ minutes? behind the Date/,
  'data-in-the-future': /^a job's last data is -?\d+ minutes? in the future/,
  'no-recent-data': /^\d+ real-time datafeeds? running, but no job/,
  // break: warning-code
  'name-without-job': /^(jobs|exclude|force\.exclude): .* matches no job of the cluster/,
  'may-not-close': /^the credentials lack the cluster privilege manage_ml/,
  'plan-changed': /^(of \d+ planned jobs?: |every job of the plan is closed)/,
  'protection-unreadable': /^custom_settings\.jobsweep of .* cannot be read/,
  'protection-misspelled': /^custom_settings of .* has the key/,
  'protection-unread': /^the key .* in custom_settings of .* is not read/,
  'exclusion-replaced': / replaces (force\.)?exclude of the payload, so these are no longer excluded: /,
  'stuck-opening': /has been opening for \d+ hours? on/,
  'unknown-state': /: kept as unknown_state, because/,
  'force-limit': /would be closed with force, but force\.max allows/,
  'left-by-a-fuse': /left closing without a follow-up, because a fuse/,
  'closing-without-follow-up':
    /(still closing and no follow-up is scheduled|no follow-up is scheduled for the jobs that are left)/,
  'rest-without-follow-up': /did not fit into the time and no follow-up takes/,
  'follow-up-full': /did not fit into the follow-up/,
  'datafeed-without-job': /^the datafeed .* was stopped(,)? but /,
  'datafeed-still-running': /^the job .* is closed but its datafeed .* is still/,
  'datafeeds-unread': /^the datafeeds of the closed jobs could not be read again/,
  'foreign-history': /^--history: sweeps of another cluster/,
  'cluster-warns': /^the cluster warns: /,
  bug: /^a bug ended the closing early/,
  'left-out': /more warnings? left out because the report is too long$/,
} as const satisfies Readonly<Record<string, RegExp>>;
export type WarningCode = keyof typeof warnings;

/** The code of a warning; undefined for a warning that this version does not know. */
export function warningCode(text: string): WarningCode | undefined {
  const [code] = Object.entries(warnings).find(([, pattern]) => pattern.test(text)) ?? [];
  return code as WarningCode | undefined;
}
