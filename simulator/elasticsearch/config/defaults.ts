/** @module Defaults that the server fills in and reports in `_ml/info`. */

export const categorizationAnalyzer = {
  char_filter: ['first_line_with_letters'],
  tokenizer: 'ml_standard',
  filter: [
    {
      type: 'stop',
      stopwords: [
        'Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat Sun',
        'January February March April May June July August September October November December',
        'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec GMT UTC',
      ].flatMap((words) => words.split(' ')),
    },
    { type: 'limit', max_token_count: '100' },
  ],
};

export const jobDefaults = {
  bucketSpan: '5m',
  modelMemoryLimitMb: 1024,
  categorizationExamplesLimit: 4,
  modelSnapshotRetentionDays: 10,
  dailyModelSnapshotRetentionAfterDays: 1,
} as const;

export const datafeedDefaults = { scrollSize: 1000 } as const;
