/** @module Reads documentation pages: their fenced blocks, links and headings. */
import { readFileSync } from 'node:fs';

export const page = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

/** The fenced blocks in one language, in order. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^( *)```(\S+)\n(.*?)^\1```$/gms)].flatMap(([, indent, name, body = '']) =>
    name === language ? [body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] : [],
  );
}

/** The languages of all fenced blocks. */
export const languages = (text: string): Set<string> =>
  new Set([...text.matchAll(/^ *```(\S+)$/gm)].map(([, name = '']) => name));

export interface Link {
  /** The path; empty if the link leads to the same page. */
  readonly file: string;
  readonly anchor: string | undefined;
  readonly title: string | undefined;
}

/** The links to files in the repository. Code spans are ignored, unless a span is the whole text of a link. */
export function links(text: string): Link[] {
  const prose = text.replaceAll(/`[^`\n]*`(?!\])/g, '');
  return [...prose.matchAll(/\]\(([^()\s#]*)(?:#([^()\s]+))?(?: "([^"]+)")?\)/g)]
    .map(([, file = '', anchor, title]) => ({ file, anchor, title }))
    .filter(({ file }) => !/^https?:/.test(file));
}

/** The anchors of the headings, as GitHub generates them. */
export const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
