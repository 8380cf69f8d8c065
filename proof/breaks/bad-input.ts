/**
 * @module The breaks of the properties for bad input. Each break changes one marked line in the source so that the
 * property no longer holds. See `list.ts`.
 */
import type { Break } from './break.ts';

export const badInputBreaks: readonly Break[] = [
  {
    property: 'payload',
    wrong: 'a duration outside its limits is accepted',
    mark: 'duration-limits',
    becomes: ['ms >= least && ms <= most', 'ms > 0'],
  },
  {
    property: 'payload',
    wrong: 'an unknown field is ignored',
    mark: 'unknown-field',
    becomes: ['z.strictObject', 'z.object'],
  },
  {
    property: 'payload',
    wrong: 'a group selects no job',
    mark: 'pattern-on-groups',
    becomes: ['matches(jobId) || groups.some(matches)', 'matches(jobId)'],
  },
  {
    property: 'payload-text',
    wrong: 'the last value of a doubled key counts',
    mark: 'doubled-key',
    becomes: ['if (seen?.has(key))', 'if (!seen)'],
  },
  {
    property: 'payload-text',
    wrong: 'columns are counted from the start of the text',
    mark: 'column',
    becomes: ['offset - start + 1', 'offset + 1'],
  },
  {
    property: 'schedule-file',
    wrong: "--prune deletes the deployment's own schedules",
    mark: 'prune-owner',
    becomes: "const owner = ownerOf(name) === 'follow-up' ? 'follow-up' : undefined;",
  },
  {
    property: 'fleet-file',
    wrong: 'any text is a moment',
    mark: 'fleet-moment',
    becomes: '(text) => text.length > 0,',
  },
  {
    property: 'settings',
    wrong: 'a value that is not an address, and may be a key, is shown',
    mark: 'address-in-message',
    becomes: ['looksLikeAddress(text)', 'text'],
  },
  {
    property: 'clusters-file',
    wrong: 'the YAML parser quotes the file where it fails',
    mark: 'yaml-message',
    becomes: 'message;',
  },
  {
    property: 'clusters-file',
    wrong: 'the first cluster of the file is used, even if another one is named',
    mark: 'named-cluster',
    becomes: ['value[name]', 'Object.values(value)[0]'],
  },
  {
    property: 'reopen',
    wrong: 'every job of a report is opened',
    mark: 'reopenable',
    becomes: "outcome !== 'gone';",
  },
  {
    property: 'reopen',
    wrong: "a datafeed in the report is started, even another job's",
    mark: 'own-datafeed',
    becomes: 'if (own === undefined)',
  },
  {
    property: 'history',
    wrong: 'a log of several lines fails as invalid JSON',
    mark: 'log-or-json',
    becomes: ['parse(', 'JSON.parse('],
  },
  {
    property: 'saved-plan',
    wrong: 'the seal is not checked',
    mark: 'plan-digest',
    becomes: ['digestOf(document as object) !== plan.digest', "plan.digest === ''"],
  },
  {
    property: 'answers',
    wrong: 'a managed flag of null does not protect',
    mark: 'managed-null',
    becomes: ['=== null', '=== 0'],
  },
  {
    property: 'answers',
    wrong: 'a block without a reason does not block',
    mark: 'blocked-reason',
    becomes: [": 'unknown'", ': undefined'],
  },
  {
    property: 'answers',
    wrong: 'forecasts without a state count as finished',
    mark: 'forecast-status',
    becomes: ['> sum(byState)', '> 1e9'],
  },
  {
    property: 'answers',
    wrong: 'forecasts in an unknown state count as finished',
    mark: 'forecast-states',
    becomes: ['!endedForecasts.has(state)', "['scheduled', 'started'].includes(state)"],
  },
  {
    property: 'answers',
    wrong: 'stats that are only half readable are believed',
    mark: 'unreadable-stats',
    becomes: ['stats.unreadable)', 'stats.unreadable && known === undefined)'],
  },
  {
    property: 'hostile-text',
    wrong: 'text on a page is not escaped and may begin a tag',
    mark: 'escape-tag',
    becomes: ['&lt;', '<'],
  },
  {
    property: 'hostile-text',
    wrong: 'the cells of a table are printed unescaped',
    mark: 'printable-cell',
    becomes: ['printable(column.value(row))', 'column.value(row)'],
  },
  {
    property: 'hostile-text',
    wrong: 'addresses become links in Markdown',
    mark: 'markdown-links',
    becomes: ['|(?<=\\b(?:https?|ftp|mailto|xmpp)):|', '|'],
  },
  {
    property: 'log-lines',
    wrong: 'the log escapes only what JSON demands',
    mark: 'log-escapes',
    becomes: ["typeof value === 'string' ? shownInJson(value) : value", 'value'],
  },
  {
    property: 'process',
    wrong: 'a YAML alias without an anchor is reported as a bug',
    mark: 'yaml-reference',
    becomes: 'throw error;',
  },
];
