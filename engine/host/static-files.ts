import { createReadStream, realpathSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};

/**
 * The file below `folder` that a URL path names, or undefined: where it does not exist, is no file, is of a type that is not
 * served, or would lie outside, also through a link.
 */
export function resolveStatic(folder: string, urlPath: string): { readonly path: string; readonly type: string } | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0') || decoded.includes('\\') || decoded.split('/').includes('..')) return undefined;
  const wanted = join(folder, decoded === '/' ? 'index.html' : decoded);
  const type = TYPES[extname(wanted)];
  if (type === undefined) return undefined;
  try {
    const root = realpathSync(folder);
    const path = realpathSync(wanted);
    return path.startsWith(root + sep) && statSync(path).isFile() ? { path, type } : undefined;
  } catch {
    return undefined;
  }
}

export function sendFile(response: ServerResponse, path: string, type: string, headOnly: boolean): void {
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', statSync(path).size);
  if (headOnly) {
    response.end();
    return;
  }
  createReadStream(path)
    .on('error', () => response.destroy())
    .pipe(response);
}
