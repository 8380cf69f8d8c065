import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KibanaRange, kibanaFiles, savedObjects } from '../../deploy/kibana/saved-objects.ts';
import {
  type FieldType,
  jobFields,
  type StreamFields,
  sweepFields,
} from '../../src/sweep/reporting/stream-fields.ts';
import { runOn } from '../support/run-on.ts';
import { documentsIn, type StoredDocument } from '../support/streams.ts';
import { busy, idle, startSetup } from '../support/sweep-setup.ts';

interface Column {
  readonly operationType: string;
  readonly sourceField: string;
  readonly dataType: string;
  readonly isBucketed: boolean;
  readonly params?: { readonly orderBy?: { readonly columnId: string }; readonly sortField?: string };
}

interface LensPanel {
  readonly panelIndex: string;
  readonly gridData: { x: number; y: number; w: number; h: number; i: string };
  readonly embeddableConfig: {
    readonly attributes: {
      readonly visualizationType: string;
      readonly references: readonly Reference[];
      readonly state: {
        readonly datasourceStates: Record<
          string,
          { layers: Record<string, { columnOrder: string[]; columns: Record<string, Column> }> }
        >;
        readonly query: { readonly query: string };
        readonly visualization: Record<string, unknown>;
      };
    };
  };
}

interface Reference {
  readonly type: string;
  readonly id: string;
  readonly name: string;
}

interface SavedObject {
  readonly type: string;
  readonly id: string;
  readonly attributes: Record<string, unknown>;
  readonly references: readonly Reference[];
}

const root = path.join(import.meta.dirname, '../..');
const objectsOf = (range: KibanaRange): SavedObject[] =>
  readFileSync(path.join(root, kibanaFiles[range]), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SavedObject);
const dashboardOf = (range: KibanaRange): SavedObject =>
  objectsOf(range).find(({ type }) => type === 'dashboard') as SavedObject;
const panelsOf = (range: KibanaRange): LensPanel[] =>
  JSON.parse(String(dashboardOf(range).attributes.panelsJSON)) as LensPanel[];
const stateOf = (panel: LensPanel) => panel.embeddableConfig.attributes.state;
const layersOf = (panel: LensPanel) =>
  Object.entries(Object.values(stateOf(panel).datasourceStates)[0]?.layers ?? {});

/** Every value under one of these keys, at any depth. */
function valuesOf(value: unknown, keys: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => valuesOf(each, keys));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    keys.includes(key) ? [inner].flat().map(String) : valuesOf(inner, keys),
  );
}

const ranges = ['old', 'new'] as const;

describe.each(ranges)('the Kibana dashboard for %s versions of Kibana', (range) => {
  it('the Kibana file in the repository matches the generated file, and each of its objects names its version', () => {
    expect(readFileSync(path.join(root, kibanaFiles[range]), 'utf8')).toBe(savedObjects(range));
    for (const object of objectsOf(range)) {
      const versions = range === 'old' ? ['migrationVersion'] : ['typeMigrationVersion'];
      expect(Object.keys(object).sort((a, b) => (a < b ? -1 : 1))).toEqual(
        ['attributes', 'coreMigrationVersion', 'id', 'references', 'type', ...versions].sort((a, b) =>
          a < b ? -1 : 1,
        ),
      );
    }
    expect(objectsOf(range).map(({ type }) => type)).toEqual(['index-pattern', 'dashboard']);
  });

  it('the Kibana panels refer to the data view in the same file', () => {
    const [dataView] = objectsOf(range);
    const expected = panelsOf(range).flatMap((panel) => {
      const { references } = panel.embeddableConfig.attributes;
      const names = layersOf(panel).map(([layer]) => `indexpattern-datasource-layer-${layer}`);
      expect(references.map(({ name }) => name)).toEqual(
        range === 'old' ? ['indexpattern-datasource-current-indexpattern', ...names] : names,
      );
      return references.map(({ name }) => `${panel.panelIndex}:${name}`);
    });
    const { references } = dashboardOf(range);
    expect(references.map(({ name }) => name)).toEqual(expected);
    for (const { id, type } of references) expect([type, id]).toEqual(['index-pattern', dataView?.id]);
    expect(dataView?.attributes.title).toBe('logs-jobsweep.*-*');
  });

  it('each Kibana panel uses each of its columns exactly once, and has its bucket columns first', () => {
    for (const panel of panelsOf(range)) {
      const [[layerId, layer] = ['', undefined], ...others] = layersOf(panel);
      if (!layer) throw new Error(`${panel.panelIndex} has no layer`);
      expect(others).toEqual([]);
      const ids = Object.keys(layer.columns);
      expect(layer.columnOrder).toEqual(ids);
      const { visualization } = stateOf(panel);
      const used = valuesOf(visualization, [
        'accessor',
        'metricAccessor',
        'xAccessor',
        'splitAccessor',
        'accessors',
        'columnId',
      ]);
      expect(new Set(used), panel.panelIndex).toEqual(new Set(ids));
      expect(used).toHaveLength(ids.length);
      expect(new Set(valuesOf(visualization, ['layerId']))).toEqual(new Set([layerId]));
      for (const { params } of Object.values(layer.columns))
        if (params?.orderBy) expect(layer.columns[params.orderBy.columnId]?.isBucketed).toBe(false);
      // Lens requires bucket columns before metric columns.
      const buckets = layer.columnOrder.map((id) => layer.columns[id]?.isBucketed);
      expect(buckets).toEqual(buckets.toSorted((a, b) => Number(b) - Number(a)));
    }
  });

  it('the Kibana panels fit the grid and do not overlap', () => {
    const cells = new Set<string>();
    for (const { panelIndex, gridData } of panelsOf(range)) {
      const { x, y, w, h, i } = gridData;
      expect(i).toBe(panelIndex);
      expect(x + w).toBeLessThanOrEqual(48);
      for (let column = x; column < x + w; column += 1)
        for (let row = y; row < y + h; row += 1) {
          expect(cells.has(`${column} ${row}`), `${panelIndex} at ${column} ${row}`).toBe(false);
          cells.add(`${column} ${row}`);
        }
    }
  });
});

describe('the Kibana files for old and new versions', () => {
  it('the Kibana files for old and new versions show the same panels', () => {
    const shown = (range: KibanaRange) =>
      panelsOf(range).map((panel) => ({
        grid: panel.gridData,
        query: stateOf(panel).query.query,
        type: panel.embeddableConfig.attributes.visualizationType,
        columns: layersOf(panel).flatMap(([, { columns }]) =>
          Object.values(columns).map(({ operationType, sourceField }) => [
            operationType,
            sourceField.replace(/^(___records___|Records)$/, 'count'),
          ]),
        ),
      }));
    expect(shown('old')).toEqual(shown('new'));
    const [old] = panelsOf('old');
    const [recent] = panelsOf('new');
    expect(Object.keys(stateOf(old as LensPanel).datasourceStates)).toEqual(['indexpattern']);
    expect(Object.keys(stateOf(recent as LensPanel).datasourceStates)).toEqual(['formBased']);
  });
});

/** Flattens an object to dotted names with their values. */
function flat(source: Record<string, unknown>, prefix = ''): [string, unknown][] {
  return Object.entries(source).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value as Record<string, unknown>, `${prefix}${name}.`)
      : [[`${prefix}${name}`, value] as [string, unknown]],
  );
}

const isOfType: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  date: (value) => typeof value === 'string' && new Date(value).toISOString() === value,
  long: (value) => Number.isInteger(value),
  double: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  keyword: (value) => typeof value === 'string',
  match_only_text: (value) => typeof value === 'string',
  constant_keyword: (value) => typeof value === 'string',
};

/** Runs sweeps with every outcome that a dashboard shows, and returns the documents that they wrote. */
async function written(): Promise<Record<'sweep' | 'job', StoredDocument[]>> {
  await using setup = await startSetup([
    ...idle(4, { datafeed: { state: 'stopped' }, groups: ['web'] }),
    ...busy(20),
    { jobId: 'failed', state: 'failed', reason: 'x', lastData: '9d' },
    { jobId: 'slow', lastData: '9d', closeTakes: '8h' },
    { jobId: 'broken', lastData: '9d', closeTakes: { fails: 'disk full' } },
    { jobId: 'running', lastData: '9d', datafeed: { state: 'started' } },
    { jobId: 'protected', lastData: '9d', customSettings: { jobsweep: { protect: true } } },
    {
      jobId: 'flapping',
      created: '90d',
      openedAt: '50h',
      lastData: '60d',
      datafeed: { state: 'stopped' },
      past: { habit: 'live', comesBack: 4, seed: 5 },
    },
  ]);
  const env = { JOBSWEEP_REPORTS_NAMESPACE: 'default' };
  const run = async (...args: string[]) => {
    const { exit, stderr } = await runOn(setup, [...args, '--no-save'], { env });
    expect([0, 3, 4], stderr).toContain(exit);
  };
  await run('plan');
  await run('sweep', '--yes', '--set', 'fuse.maxJobs=2');
  await run(
    'sweep',
    '--yes',
    '--set',
    'runningDatafeeds=stop',
    '--set',
    'close.timeout=30s',
    '--set',
    'force.max=0',
  );
  await setup.clock.advance(60_000);
  await run('sweep', '--yes', '--wait', '--set', 'close.timeout=30s');
  return { sweep: documentsIn(setup, 'sweep'), job: documentsIn(setup, 'job') };
}

describe('the fields of the documents of stored reports', () => {
  let documents: Awaited<ReturnType<typeof written>>;
  beforeAll(async () => {
    documents = await written();
  });

  it('each field of a stored document is in the index template, with the type that its value has', () => {
    for (const [kind, fields] of [
      ['sweep', sweepFields],
      ['job', jobFields],
    ] as const) {
      expect(documents[kind].length).toBeGreaterThan(3);
      for (const { id, source } of documents[kind])
        for (const [name, value] of flat(source)) {
          const field = (fields as StreamFields)[name];
          expect(field, `${name} of ${id} is not in the list of fields`).toBeDefined();
          for (const each of [value].flat())
            expect(field && isOfType[field.type](each), `${name} of ${id}: ${JSON.stringify(each)}`).toBe(
              true,
            );
        }
    }
  });

  it('each field that the Kibana dashboard uses is stored, with a type that the dashboard’s column can show', () => {
    const seen = Object.fromEntries(
      (['sweep', 'job'] as const).map((kind) => [
        kind,
        new Set(documents[kind].flatMap(({ source }) => flat(source).map(([name]) => name))),
      ]),
    ) as Record<'sweep' | 'job', Set<string>>;
    for (const panel of panelsOf('new')) {
      const { query } = stateOf(panel).query;
      const kind = query.includes('"jobsweep.sweep"') ? 'sweep' : 'job';
      const fields: StreamFields = kind === 'sweep' ? sweepFields : jobFields;
      const inQuery = [...query.matchAll(/([\w.@]+): /g)].map(([, name = '']) => name);
      expect(inQuery).toContain('data_stream.dataset');
      for (const name of inQuery) expect(seen[kind], `${name} in ${query}`).toContain(name);
      for (const [, { columns }] of layersOf(panel))
        for (const { sourceField, operationType, dataType, params } of Object.values(columns)) {
          if (operationType === 'count') continue;
          expect(seen[kind], `${sourceField} of ${panel.panelIndex}`).toContain(sourceField);
          expect(showable[operationType], operationType).toContain(fields[sourceField]?.type);
          expect(kibanaTypes[fields[sourceField]?.type ?? 'keyword'], sourceField).toBe(
            operationType === 'unique_count' ? 'string' : dataType,
          );
          if (params?.sortField) expect(fields[params.sortField]?.type).toBe('date');
        }
    }
  });

  it('the stored documents contain each value that the Kibana dashboard searches for', () => {
    const { sweep, job } = documents;
    const values = (stored: StoredDocument[], name: string) =>
      new Set(
        stored.flatMap(({ source }) =>
          flat(source)
            .filter(([field]) => field === name)
            .map(([, value]) => value),
        ),
      );
    expect(values(sweep, 'jobsweep.sweep.status')).toContain('refused');
    for (const outcome of ['kept', 'not_attempted', 'error', 'closing', 'closed', 'force_closed'])
      expect(values(job, 'jobsweep.job.outcome')).toContain(outcome);
    for (const action of ['job-closed', 'job-force-closed'])
      expect(values(job, 'event.action')).toContain(action);
    for (const reason of ['recent_data', 'flapping'])
      expect(values(job, 'jobsweep.job.reason')).toContain(reason);
  });
});

/** The field types that each operation of Lens accepts. */
const showable: Readonly<Record<string, readonly FieldType[]>> = {
  date_histogram: ['date'],
  terms: ['keyword', 'boolean'],
  sum: ['long', 'double'],
  max: ['long', 'double'],
  unique_count: ['keyword'],
  last_value: ['keyword', 'long', 'double', 'boolean'],
};

const kibanaTypes: Readonly<Record<FieldType, string>> = {
  date: 'date',
  keyword: 'string',
  long: 'number',
  double: 'number',
  boolean: 'boolean',
  match_only_text: 'string',
  constant_keyword: 'string',
};
