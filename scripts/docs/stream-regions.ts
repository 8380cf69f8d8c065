/** @module The generated parts of docs/reports-in-elasticsearch.md: the fields of the documents, and the requests. */
import { jobFields, type StreamFields, sweepFields } from '../../src/sweep/reporting/stream-fields.ts';
import { consoleText, preparation } from '../../src/sweep/reporting/stream-requests.ts';
import { code, table } from './markdown.ts';

const fieldTable = (fields: StreamFields): string =>
  table(
    ['field', 'type', 'means'],
    Object.entries(fields).map(([name, { type, means }]) => [code(name), type, means]),
  );

/**
 * A request's body without the mappings of an index template, because the tables on the page already list the fields.
 */
const withoutMappings = (body: object): object => {
  const { template, ...rest } = body as { template?: { mappings?: object } };
  return template ? { ...rest, template: { ...template, mappings: '…' } } : body;
};

const requests = (version: string): string =>
  `\`\`\`text\n${consoleText(preparation(version).map((each) => ({ ...each, body: withoutMappings(each.body) })))}\`\`\``;

export const streamRegions: Readonly<Record<string, string>> = {
  'requests for 8.11 and later': requests('9.2.0'),
  'requests before 8.11': requests('7.17.0'),
  'fields of both': fieldTable(onlyShared()),
  'fields of a sweep': fieldTable(without(sweepFields, jobFields)),
  'fields of a job': fieldTable(without(jobFields, sweepFields)),
};

function onlyShared(): StreamFields {
  return Object.fromEntries(Object.entries(sweepFields).filter(([name]) => name in jobFields));
}

function without(fields: StreamFields, others: StreamFields): StreamFields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !(name in others)));
}
