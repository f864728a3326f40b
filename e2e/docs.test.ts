import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))].filter(
  (path) => path.endsWith('.md'),
);

/** Links and pictures of a page, without those to other places. Code is no place for a link. */
function linksOf(text: string): string[] {
  const prose = text.replace(/^```[^]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link));
}

/** Anchors as code hosts make them of headings: lower case, without signs, hyphens for spaces. */
function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('documentation', () => {
  it.each(pages)('%s leads to files and headings that exist', (page) => {
    const path = join(root, page);
    const broken = linksOf(readFileSync(path, 'utf8')).filter((link) => {
      const [file = '', anchor] = link.split('#', 2);
      const target = file === '' ? path : resolve(dirname(path), file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('is all in the index', () => {
    const index = linksOf(readFileSync(join(root, 'docs/README.md'), 'utf8')).map((link) => relative(root, resolve(root, 'docs', link)));
    expect(pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md' && !index.includes(page))).toEqual([]);
  });
});
