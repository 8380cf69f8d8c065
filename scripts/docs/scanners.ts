/** @module The tables in docs/scanners.md, from the list that also creates the template's suppressions. */
import { byParameter, suppressed } from '../../deploy/scanner-findings.ts';
import { code, table } from './markdown.ts';

/** The marked regions in docs/scanners.md. */
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
