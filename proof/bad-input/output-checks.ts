/** @module What a text does where it is shown, judged by the characters alone. */

/** Control characters, halves of characters, and all that hides, turns or separates text. */
const acting = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

/** Whether a text is only letters and signs that stand still. */
export const isPlain = (text: string): boolean => !acting.test(text);

/** What a page is made of: its tags with the names of their attributes, in their order. */
export const skeletonOf = (page: string): string[] =>
  [...page.matchAll(/<(!doctype|!--|\/?[a-z][a-z0-9-]*)((?:[^"'>]|"[^"]*"|'[^']*')*)>/gi)].map(
    ([, tag, attributes = '']) =>
      `${tag} ${[...attributes.replaceAll(/"[^"]*"|'[^']*'/g, '').matchAll(/[^\s=/]+/g)].join(' ')}`,
  );

/** What Markdown would read as more than text: of each line how it begins and its signs, entities left out. */
export const signsOf = (markdown: string): string[] =>
  markdown.split('\n').map((line) => {
    const text = line.replaceAll(/&#\d+;/g, '').replaceAll(/`[a-z0-9_.-]+`/g, '');
    return (/^(#+ |- |\|)?/.exec(text)?.[0] ?? '') + text.replaceAll(/[^|<>[\]!*_~#`\\]|(?<=\w)_(?=\w)/g, '');
  });

/** Addresses that a reader of Markdown makes links of without being asked. */
export const linksIn = (markdown: string): string[] =>
  [...markdown.matchAll(/\b(?:https?|ftp|mailto|xmpp):\S+|\bwww\.\S+|[\w.+-]+@[\w-]+\.\w+/gi)].map(
    ([link]) => link,
  );
