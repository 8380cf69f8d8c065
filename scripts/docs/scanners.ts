/** @module The tables of docs/scanners.md, from the list that the template's suppressions are made from. */
import { byParameter, suppressed } from '../../deploy/scanner-findings.ts';
import { code, table } from './markdown.ts';

/** The marked regions of docs/scanners.md. */
export const scannerRegions = {
  suppressed: table(
    ['asks for', 'checks', 'why not'],
    Object.values(suppressed).map(({ asksFor, reason, ...rules }) => [
      asksFor,
      Object.values(rules).flat().map(code).join(', '),
      reason,
    ]),
  ),
  'by parameter': table(
    ['asks for', 'checks', 'parameter'],
    byParameter.map(({ rules, asksFor, parameter }) => [
      asksFor,
      rules.map(code).join(', '),
      code(parameter),
    ]),
  ),
};
