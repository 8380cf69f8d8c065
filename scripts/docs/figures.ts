/** @module The results of the benches as pages, as charts, and as the tables in docs/figures.md. */
import { readFileSync } from 'node:fs';
import { billedPage, billedTable } from '../../bench/billed/report.ts';
import type { BilledResults } from '../../bench/billed/results.ts';
import { closingChart, closingPage, closingTable } from '../../bench/closing/report.ts';
import type { ClosingResults } from '../../bench/closing/results.ts';
import { coldStartPage, functionTable, scalePage } from '../../bench/function/report.ts';
import type { ColdStartResults, ScaleResults } from '../../bench/function/results.ts';

const results = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../bench/results/${name}.json`, import.meta.url), 'utf8'));

const closing = results('closing') as ClosingResults;
const billed = results('billed') as BilledResults;
const coldStart = results('cold-start') as ColdStartResults;
const scale = results('scale') as ScaleResults;

/** Pages and charts by file name. */
export const figures: Readonly<Record<string, string>> = {
  'bench/results/closing.md': closingPage(closing),
  'bench/results/closing.svg': closingChart(closing),
  'bench/results/billed.md': billedPage(billed),
  'bench/results/cold-start.md': coldStartPage(coldStart),
  'bench/results/scale.md': scalePage(scale),
};

/** The marked regions in `docs/figures.md`. */
export const figureRegions = {
  'closing times': closingTable(closing),
  'billed time': billedTable(billed),
  'the function': functionTable(coldStart, scale),
};
