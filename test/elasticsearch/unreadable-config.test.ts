/** @module Tests that a job with an unreadable config is kept, and that its readable parts still protect other jobs. */
import { expect, it } from 'vitest';
import { readJobConfig } from '../../src/elasticsearch/answers.ts';
import { joinInventory } from '../../src/sweep/planning/inventory.ts';

const stats = (jobId: string) => ({ jobId, state: 'opened', openForMs: 9e9, runningForecasts: 0 });

it('a job is kept if its id is also a group of another job whose config is unreadable', () => {
  const configs = [
    readJobConfig({ job_id: 'web', groups: [] }),
    readJobConfig({ job_id: 'spoiled', groups: ['web'], custom_settings: { managed: null } }),
  ];
  const [spoiled, web] = joinInventory({
    configs,
    stats: [stats('web'), stats('spoiled')],
    datafeeds: [],
    readAt: 1e12,
  });
  expect(spoiled).toMatchObject({ jobId: 'spoiled', state: undefined, groups: ['web'] });
  expect(web).toMatchObject({ jobId: 'web', state: undefined, target: undefined });
});

it.each([{ groups: 'web' }, { custom_settings: 'no object' }, { datafeed_config: [] }])(
  'a job config with %o counts as unreadable, and the state of its job as unknown',
  (field) => {
    const config = readJobConfig({ job_id: 'spoiled', ...field });
    expect(config.unreadable).toEqual(expect.any(String));
    const [job] = joinInventory({
      configs: [config],
      stats: [stats('spoiled')],
      datafeeds: [],
      readAt: 1e12,
    });
    expect(job?.state).toBeUndefined();
  },
);
