/**
 * @module The property that must hold in every output format of every command if a cluster, a report or an error
 * contains hostile texts.
 */
import * as fc from 'fast-check';
import type { CommandResult } from '../../test/support/run-command.ts';
import { endedBadly } from './command.ts';
import {
  type HostileCluster,
  openHostileCluster,
  reportOfHostileCluster,
  type Slot,
  slots,
  type Texts,
} from './hostile-cluster.ts';
import { hostileTexts } from './hostile-samples.ts';
import { isPlain, linksIn, signsOf, skeletonOf } from './output-checks.ts';
import { badInput } from './property.ts';

const forms = ['table', 'json', 'ndjson', 'markdown', 'html'] as const;
type Form = (typeof forms)[number];
const commands = ['plan', 'sweep', 'explain', 'doctor', 'reopen', 'history', 'ask'] as const;
type Command = (typeof commands)[number];

interface Given {
  readonly command: Command;
  readonly form: Form;
  readonly terminal: boolean;
  /** The hostile texts by slot. All other slots have harmless texts. */
  readonly texts: readonly { readonly slot: Slot; readonly text: string }[];
}

/** Harmless texts. Like most of the hostile texts, they are not valid job ids. */
const harmless = Object.fromEntries(slots.map((slot) => [slot, `Harmless ${slot}`])) as Texts;

/**
 * The harmless texts to compare with. The command prints valid ids differently from other texts, so a slot's harmless
 * text is a valid id if the slot's hostile text is one.
 */
const likewise = (texts: Given['texts']): Texts => ({
  ...harmless,
  ...Object.fromEntries(
    texts
      .filter(({ text }) => /^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?$/.test(text) && text.length <= 64)
      .map(({ slot }) => [slot, `harmless-${slot.toLowerCase()}`]),
  ),
});

const surrogates = { from: 0xd8_00, count: 0x08_00 };

/**
 * Any code point that UTF-8 can encode, so no surrogates. The unit `binary` of fast-check has the same code points, but
 * builds a table of all of them when this module loads. Building the table takes two seconds, and its memory slows down
 * every garbage collection.
 */
const anyCharacter = fc
  .nat(0x10_ff_ff - surrogates.count)
  .map((index) => String.fromCodePoint(index < surrogates.from ? index : index + surrogates.count));

export const hostileText = badInput<Given, HostileCluster>({
  name: 'hostile-text',
  sentence:
    'no hostile name, state, reason, warning or error controls a terminal, becomes markup in HTML or Markdown, or breaks a line of JSON, in any output of any command',
  outcomes: ['shown', 'an error'],
  toMeet: [...commands, ...forms, 'terminal', 'piped', ...slots],
  given: fc.record(
    {
      command: fc.constantFrom(...commands),
      form: fc.constantFrom(...forms),
      terminal: fc.boolean(),
      texts: fc.uniqueArray(
        fc.record(
          {
            slot: fc.constantFrom(...slots),
            text: fc.oneof(
              { weight: 5, arbitrary: fc.constantFrom(...hostileTexts) },
              { weight: 1, arbitrary: fc.string({ unit: anyCharacter, maxLength: 30 }) },
            ),
          },
          { noNullPrototype: true },
        ),
        { minLength: 1, maxLength: 4, selector: ({ slot }) => slot },
      ),
    },
    { noNullPrototype: true },
  ),
  open: openHostileCluster,
  attempt: async ({ command, form, terminal, texts }, meet, bench) => {
    meet(command);
    meet(form);
    meet(terminal ? 'terminal' : 'piped');
    for (const { slot } of texts) meet(slot);
    const hostile: Texts = {
      ...harmless,
      ...Object.fromEntries(texts.map(({ slot, text }) => [slot, text])),
    };
    const result = await show(bench, hostile, { command, form, terminal });
    const expected = await show(bench, likewise(texts), { command, form, terminal });
    const problems = endedBadly({ ...result, stderr: withoutRedraws(result.stderr) });
    const isError = result.exit === 2 || result.exit === 5;
    if (isError) {
      meet('an error');
      return problems;
    }
    meet('shown');
    // The outputs with hostile and with harmless texts may differ for three reasons: a chart omits empty labels, some
    // texts are invalid in a header or as a uuid, and two jobs with the same id are listed as one.
    const absent = texts.some(({ slot, text }) => /^(warning|uuid)$/.test(slot) || text.trim() === '');
    const doubled = new Set(texts.map(({ text }) => text)).size < texts.length;
    const alike = result.exit === expected.exit && !absent && !doubled;
    return [...problems, ...wrongIn(result.stdout, expected.stdout, form, alike)];
  },
});

/** On a terminal, each progress line overwrites the previous one. */
const withoutRedraws = (text: string) => text.replaceAll('\r\u001b[2K', '\n');

async function show(
  bench: HostileCluster,
  texts: Texts,
  { command, form, terminal }: Omit<Given, 'texts'>,
): Promise<CommandResult> {
  bench.say(texts);
  const options = { terminal, columns: 80, ...(terminal && { stdin: 'y\n' }) };
  const report = await bench.write('report.json', reportOfHostileCluster(texts));
  const deadline = ['--deadline', '2m'];
  const args: Readonly<Record<Command, readonly string[]>> = {
    plan: ['plan', ...deadline],
    sweep: ['sweep', '--yes', ...deadline],
    ask: ['sweep', ...(terminal ? [] : ['--yes']), ...deadline],
    explain: ['explain', '--history', report, ...deadline, '--', texts.jobId],
    doctor: ['doctor'],
    reopen: ['reopen', report, ...(terminal ? [] : ['--yes']), ...deadline],
    history: ['plan', '--history', report, report, ...deadline],
  };
  const [name = '', ...rest] = args[command];
  return bench.run(['--no-color', name, '-o', form, ...rest], options);
}

/**
 * The problems in an output. If `alike` is true, the output must have the same structure as `harmlessOut`, the output
 * with harmless texts.
 */
function wrongIn(stdout: string, harmlessOut: string, form: Form, alike: boolean): string[] {
  const problems = stdout
    .split('\n')
    .filter((line) => !isPlain(line))
    .slice(0, 2)
    .map((line) => `${form} is not plain: ${JSON.stringify(line.slice(0, 300))}`);
  if (form === 'json') return [...problems, ...unparsable([stdout])];
  if (form === 'ndjson') return [...problems, ...unparsable(stdout.trimEnd().split('\n'))];
  if (form === 'html') return [...problems, ...built(skeletonOf(stdout), skeletonOf(harmlessOut), alike)];
  if (form === 'markdown') {
    const links = linksIn(stdout);
    if (links.length > 0) problems.push(`an unwanted link: ${links[0]}`);
    return [...problems, ...built(signsOf(stdout), signsOf(harmlessOut), alike)];
  }
  return problems;
}

const unparsable = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => {
    try {
      JSON.parse(text);
      return [];
    } catch (error) {
      return [`no JSON: ${String(error)}: ${text.slice(0, 200)}`];
    }
  });

/**
 * Reports a tag or a piece of Markdown syntax that never occurs with harmless texts. If `alike` is true, also reports
 * any other difference.
 */
function built(got: readonly string[], expected: readonly string[], alike: boolean): string[] {
  for (const part of expected) known.add(part);
  const strange = got.find((part) => !known.has(part));
  if (strange !== undefined) return [`a part that harmless texts never have: ${strange}`];
  const at = got.findIndex((part, index) => part !== expected[index]);
  if (!alike || (at < 0 && got.length === expected.length)) return [];
  return [`${got[at]} for ${expected[at]} at ${at} (${got.length} and ${expected.length} parts)`];
}

const known = new Set<string>();
