/**
 * @module Tests when the alarm for overdue sweeps fires, by CloudWatch's documented treatment of missing data: an alarm
 * without data in its range becomes INSUFFICIENT_DATA (`missing`) or keeps its state (`ignore`).
 */
import { expect, it } from 'vitest';
import { template } from '../../deploy/template.ts';
import { root } from '../support/bin.ts';
import { defaultParameters } from '../support/stage.ts';

const hour = 3_600_000;
const { resources } = template({
  service: 'jobsweep',
  stage: 'test',
  parameters: { ...defaultParameters, missingAfterHours: 26 },
  root,
  now: Date.parse('2026-11-23T12:00:00Z'),
});

interface Watch {
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly TreatMissingData: string;
}

/** Whether the composite alarm fires in each hour, if sweeps finish in the hours of `sweeps`. */
function states(sweeps: readonly number[], hours: number): boolean[] {
  const children = ['RecentSweepDefault', 'FirstSweepDefault'].map((id) => ({
    id,
    state: 'INSUFFICIENT_DATA',
    watch: resources[id]?.Properties as unknown as Watch,
  }));
  const composite = resources.AlarmSweepOverdueDefault?.Properties.AlarmRule;
  const rule = (composite as { readonly 'Fn::Sub': string })['Fn::Sub'];
  return Array.from({ length: hours }, (_, now) => {
    for (const child of children) {
      const { Period, EvaluationPeriods, TreatMissingData } = child.watch;
      const range = (Period * 1_000 * EvaluationPeriods) / hour;
      // each finished sweep is a sample, so one sweep within the range is enough for OK
      if (sweeps.some((at) => at <= now && at > now - range)) child.state = 'OK';
      else if (TreatMissingData === 'missing') child.state = 'INSUFFICIENT_DATA';
      else expect(TreatMissingData).toBe('ignore');
    }
    return rule.split(' AND ').every((term) => {
      const [, state, id] = /^(\w+)\("\$\{(\w+)\.Arn\}"\)$/.exec(term) ?? [];
      return children.find((child) => child.id === id)?.state === state;
    });
  });
}

it('the alarm for overdue sweeps does not fire between a deployment and the first sweep', () => {
  expect(states([], 500)).not.toContain(true);
  expect(states([14, 38, 62], 80)).not.toContain(true);
});

it('the alarm for overdue sweeps fires after the configured hours without a sweep, and ends with the next sweep', () => {
  const fired = states([14, 300], 310);
  expect(fired.indexOf(true)).toBe(14 + 26);
  expect(fired.slice(40, 300)).not.toContain(false);
  expect(fired.slice(300)).not.toContain(true);
});
