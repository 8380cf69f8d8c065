/**
 * @module The Kibana dashboard as saved objects for two ranges of versions. `npm run docs` writes the files. Kibana
 * imports files from its own version, from an older minor version, or from the previous major version.
 */
import { streamPattern } from '../../src/sweep/reporting/stream-names.ts';
import { type Column, type Panel, panels, queryOf } from './panels.ts';

/** `old`: 7.17.3 to 8.8. `new`: 8.9 to 9.x. */
export type KibanaRange = 'old' | 'new';

export const kibanaFiles: Readonly<Record<KibanaRange, string>> = {
  old: 'deploy/kibana/jobsweep-7.17-to-8.8.ndjson',
  new: 'deploy/kibana/jobsweep-8.9-to-9.x.ndjson',
};

const dataViewId = 'jobsweep-logs';
const layerId = 'layer';

const reference = (name: string) => ({ type: 'index-pattern', id: dataViewId, name });

/** The fields with which each object names the version that wrote it. */
const versions = (type: 'dashboard' | 'index-pattern', range: KibanaRange) =>
  range === 'old'
    ? {
        migrationVersion: { [type]: type === 'dashboard' ? '7.17.3' : '7.11.0' },
        coreMigrationVersion: '7.17.0',
      }
    : { typeMigrationVersion: type === 'dashboard' ? '8.9.0' : '8.0.0', coreMigrationVersion: '8.8.0' };

/** The content of the file: one object per line, the data view first. */
export function savedObjects(range: KibanaRange): string {
  return [dataView(range), dashboard(range)].map((object) => `${JSON.stringify(object)}\n`).join('');
}

function dataView(range: KibanaRange): object {
  return {
    type: 'index-pattern',
    id: dataViewId,
    attributes: {
      title: streamPattern,
      ...(range === 'new' && { name: 'jobsweep' }),
      timeFieldName: '@timestamp',
      fields: '[]',
      fieldAttrs: '{}',
      fieldFormatMap: '{}',
      runtimeFieldMap: '{}',
      sourceFilters: '[]',
    },
    references: [],
    ...versions('index-pattern', range),
  };
}

function dashboard(range: KibanaRange): object {
  const all = panels.map((panel, index) => ({ panel, id: `p${index + 1}` }));
  return {
    type: 'dashboard',
    id: 'jobsweep',
    attributes: {
      title: 'jobsweep',
      description: 'Idle anomaly detection jobs: closed, forced, left open and why',
      panelsJSON: JSON.stringify(all.map(({ panel, id }) => dashboardPanel(panel, id, range))),
      optionsJSON: JSON.stringify({
        useMargins: true,
        syncColors: false,
        hidePanelTitles: false,
        ...(range === 'new' && { syncCursor: true, syncTooltips: false }),
      }),
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({ query: { query: '', language: 'kuery' }, filter: [] }),
      },
      timeRestore: true,
      timeFrom: 'now-30d',
      timeTo: 'now',
      refreshInterval: { pause: true, value: 0 },
      version: 1,
    },
    references: all.flatMap(({ id }) => referenceNames(range).map((name) => reference(`${id}:${name}`))),
    ...versions('dashboard', range),
  };
}

const referenceNames = (range: KibanaRange): string[] => [
  ...(range === 'old' ? ['indexpattern-datasource-current-indexpattern'] : []),
  `indexpattern-datasource-layer-${layerId}`,
];

function dashboardPanel(panel: Panel, id: string, range: KibanaRange): object {
  const columns = panel.columns.map((column, index) => ({ column, id: `c${index + 1}` }));
  const layer = {
    columnOrder: columns.map((each) => each.id),
    columns: Object.fromEntries(
      columns.map((each) => [each.id, lensColumn(each.column, metricOf(columns), panel, range)]),
    ),
    incompleteColumns: {},
    ...(range === 'new' && { sampling: 1 }),
  };
  const { visualizationType, visualization } = charts[panel.chart](columns, range);
  return {
    ...(range === 'old' && { version: '7.17.0' }),
    type: 'lens',
    panelIndex: id,
    gridData: { ...panel.grid, i: id },
    title: panel.title,
    embeddableConfig: {
      hidePanelTitles: false,
      enhancements: {},
      attributes: {
        title: '',
        description: '',
        type: 'lens',
        visualizationType,
        references: referenceNames(range).map(reference),
        state: {
          datasourceStates: {
            [range === 'old' ? 'indexpattern' : 'formBased']: { layers: { [layerId]: layer } },
          },
          filters: [],
          query: { query: queryOf(panel), language: 'kuery' },
          visualization,
          ...(range === 'new' && { internalReferences: [], adHocDataViews: {} }),
        },
      },
    },
  };
}

interface NamedColumn {
  readonly column: Column;
  readonly id: string;
}

const isBucket = ({ column: { of } }: NamedColumn) => of === 'date' || of === 'terms';

/** The id of the column by which terms are sorted. */
const metricOf = (columns: readonly NamedColumn[]): string =>
  columns.find((each) => !isBucket(each))?.id ?? '';

function lensColumn(column: Column, orderBy: string, { title }: Panel, range: KibanaRange): object {
  const { label } = column;
  const named = { label, customLabel: true };
  switch (column.of) {
    case 'date':
      return {
        ...named,
        dataType: 'date',
        operationType: 'date_histogram',
        sourceField: '@timestamp',
        isBucketed: true,
        scale: 'interval',
        params: { interval: 'auto', ...(range === 'new' && { includeEmptyRows: true, dropPartials: false }) },
      };
    case 'terms':
      return {
        ...named,
        dataType: 'string',
        operationType: 'terms',
        sourceField: column.field,
        isBucketed: true,
        scale: 'ordinal',
        params: {
          size: column.size,
          orderBy: { type: 'column', columnId: orderBy },
          orderDirection: title.includes('fewest first') ? 'asc' : 'desc',
          otherBucket: false,
          missingBucket: false,
        },
      };
    case 'count':
      return {
        ...named,
        dataType: 'number',
        operationType: 'count',
        sourceField: range === 'old' ? 'Records' : '___records___',
        isBucketed: false,
        scale: 'ratio',
      };
    default: {
      const { of, field, type = 'number', format } = column;
      return {
        ...named,
        dataType: type,
        operationType: of,
        sourceField: field,
        isBucketed: false,
        scale: type === 'string' ? 'ordinal' : 'ratio',
        params: {
          ...(of === 'last_value' && {
            sortField: '@timestamp',
            ...(range === 'new' && { showArrayValues: false }),
          }),
          ...(format && { format: formats[format] }),
        },
      };
    }
  }
}

const formats = {
  bytes: { id: 'bytes', params: { decimals: 1 } },
  // Kibana 7.17 cannot format a column of a panel as a duration.
  duration: { id: 'number', params: { decimals: 0, suffix: ' ms' } },
} as const;

const charts: Readonly<
  Record<
    Panel['chart'],
    (
      columns: readonly NamedColumn[],
      range: KibanaRange,
    ) => { readonly visualizationType: string; readonly visualization: object }
  >
> = {
  metric: (columns, range) => ({
    visualizationType: 'lnsMetric',
    visualization: {
      layerId,
      layerType: 'data',
      [range === 'old' ? 'accessor' : 'metricAccessor']: metricOf(columns),
    },
  }),
  bars: (columns) => {
    const [x] = columns.filter(({ column }) => column.of === 'date');
    const [split] = columns.filter(({ column }) => column.of === 'terms');
    return {
      visualizationType: 'lnsXY',
      visualization: {
        preferredSeriesType: 'bar_stacked',
        legend: { isVisible: true, position: 'right' },
        valueLabels: 'hide',
        layers: [
          {
            layerId,
            layerType: 'data',
            seriesType: 'bar_stacked',
            xAccessor: x?.id,
            accessors: columns.filter((each) => !isBucket(each)).map(({ id }) => id),
            ...(split && { splitAccessor: split.id }),
          },
        ],
      },
    };
  },
  table: (columns) => ({
    visualizationType: 'lnsDatatable',
    visualization: {
      layerId,
      layerType: 'data',
      columns: columns.map(({ id }) => ({ columnId: id })),
      paging: { size: 10, enabled: true },
    },
  }),
};
