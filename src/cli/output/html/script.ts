/** @module The script of the report: filters the table and adds tooltips to bars. The page works without scripts. */

export const script = `
'use strict';
const form = document.querySelector('form');
const rows = [...document.querySelectorAll('#jobs tbody tr')];
if (form) {
  const filter = () => {
    const words = form.elements.words.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const { value: outcome } = form.elements.outcome;
    const { value: reason } = form.elements.reason;
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every((word) => text.includes(word)) &&
        (!outcome || row.dataset.outcome === outcome) && (!reason || row.dataset.reason === reason));
      if (!row.hidden) shown += 1;
    }
    form.elements.count.value = shown + ' of ' + rows.length + ' shown';
  };
  form.hidden = false;
  form.addEventListener('input', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  filter();
}
for (const bar of document.querySelectorAll('svg path[aria-label]')) {
  const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
  title.textContent = bar.getAttribute('aria-label');
  bar.append(title);
}
`;
