/**
 * @module The styles of the report: one column, dark or light like the reader's system, and usable on narrow phones.
 */

export const style = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --card: #f5f7fa; --ink: #17202b; --faint: #57636f; --line: #d6dde5;
  --kept: #a9b4c0; --close: #2f6fb3; --force: #b85f00; --good: #23804f; --warning: #96700a; --bad: #b4332c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12171d; --card: #1b222b; --ink: #e8edf2; --faint: #a3b0bd; --line: #36414d;
    --kept: #66727f; --close: #5fa3e6; --force: #ee9a45; --good: #4cbb83; --warning: #d9b13b; --bad: #f0716a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 66rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; }
p { margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
.faint, footer { color: var(--faint); }
footer { padding-bottom: 3rem; margin-top: 3rem; font-size: .9rem; overflow-wrap: anywhere; }
a { color: var(--close); }
:focus-visible { outline: 3px solid var(--close); outline-offset: 2px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.4rem, 1fr)); gap: .6rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; }
.tiles strong { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.notices { list-style: none; margin: 1rem 0; padding: 0; }
.notices li { border-left: .3rem solid var(--warning); background: var(--card); padding: .5rem .8rem; margin: .4rem 0; overflow-wrap: anywhere; }
.notices li.bad { border-color: var(--bad); }
.notices li.notice { border-color: var(--close); }
.chart svg { display: block; width: 100%; height: auto; }
.narrow { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .25rem 0 .5rem; padding: 0; list-style: none; color: var(--faint); font-size: .9rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .4rem; vertical-align: -.05rem; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--faint); }
.scroll { overflow-x: auto; max-height: 40rem; overflow-y: auto; margin-top: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--faint); font-weight: normal; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
th[scope=row] { font-weight: 600; overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; }
.tone-good { color: var(--good); } .tone-bad { color: var(--bad); } .tone-warning { color: var(--warning); }
.tone-notice { color: var(--close); } .tone-faint { color: var(--faint); }
td small.beside { display: none; }
td small { display: block; color: var(--faint); overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: .75rem 0; }
form[hidden] { display: none; }
label { display: grid; gap: .15rem; font-size: .85rem; color: var(--faint); }
input, select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .35rem; padding: .35rem .5rem; min-width: 0; }
output { color: var(--faint); font-size: .9rem; padding-bottom: .4rem; }
section > ul { padding-left: 1.25rem; }
section > ul li { margin: .3rem 0; overflow-wrap: anywhere; }
code { background: var(--card); padding: .05rem .25rem; border-radius: .25rem; font-size: .9em; }
.words { margin: .75rem 0; }
.words th:first-child { width: 11rem; overflow-wrap: normal; }
.words .number { width: 3.5rem; }
ol.story { padding-left: 1.25rem; }
ol.story li { margin: .3rem 0; overflow-wrap: anywhere; }
@media (max-width: 42rem) {
  .wide { display: none; }
  .narrow { display: block; }
  .aside { display: none; }
  td small.beside { display: block; }
  th, td { padding-right: .45rem; }
  .words th:first-child { width: 9rem; }
  table { font-size: .82rem; }
  .scroll td + td { overflow-wrap: anywhere; }
  .scroll thead th { white-space: normal; }
}
@media print { form, details { display: none !important; } }
`;
