/** @module Checks of text in outputs: control characters, HTML tags, Markdown syntax and links. */

/** Control characters, lone surrogates, and characters that hide, reverse or separate text. */
const acting = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

/** Whether a text contains none of the characters that could act on a terminal or hide text. */
export const isPlain = (text: string): boolean => !acting.test(text);

/** The structure of a page: its tags in order, with the names of their attributes. */
export const skeletonOf = (page: string): string[] =>
  [...page.matchAll(/<(!doctype|!--|\/?[a-z][a-z0-9-]*)((?:[^"'>]|"[^"]*"|'[^']*')*)>/gi)].map(
    ([, tag, attributes = '']) =>
      `${tag} ${[...attributes.replaceAll(/"[^"]*"|'[^']*'/g, '').matchAll(/[^\s=/]+/g)].join(' ')}`,
  );

/** The Markdown syntax of each line: its prefix and its special characters. Entities and inline code count as text. */
export const signsOf = (markdown: string): string[] =>
  markdown.split('\n').map((line) => {
    const text = line.replaceAll(/&#\d+;/g, '').replaceAll(/`[a-z0-9_.-]+`/g, '');
    return (/^(#+ |- |\|)?/.exec(text)?.[0] ?? '') + text.replaceAll(/[^|<>[\]!*_~#`\\]|(?<=\w)_(?=\w)/g, '');
  });

/** Addresses that Markdown viewers turn into links. */
export const linksIn = (markdown: string): string[] =>
  [...markdown.matchAll(/\b(?:https?|ftp|mailto|xmpp):\S+|\bwww\.\S+|[\w.+-]+@[\w-]+\.\w+/gi)].map(
    ([link]) => link,
  );
