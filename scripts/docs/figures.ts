/** @module The figures that the benches have measured, as pages, charts and the README's tables: made from their results. */
import { readFileSync } from 'node:fs';
import { billedPage, billedTable } from '../../bench/billed/report.ts';
import type { BilledResults } from '../../bench/billed/results.ts';
import { closingChart, closingPage, closingTable } from '../../bench/closing/report.ts';
import type { ClosingResults } from '../../bench/closing/results.ts';

const results = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../bench/results/${name}.json`, import.meta.url), 'utf8'));

const closing = results('closing') as ClosingResults;
const billed = results('billed') as BilledResults;

/** Pages and charts, by their file. */
export const figures: Readonly<Record<string, string>> = {
  'bench/results/closing.md': closingPage(closing),
  'bench/results/closing.svg': closingChart(closing),
  'bench/results/billed.md': billedPage(billed),
};

/** What the README's marked regions hold of them. */
export const figureRegions = { 'closing times': closingTable(closing), 'billed time': billedTable(billed) };
