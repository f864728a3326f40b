/** What the window may do, as plain functions so that they can be tested without Electron. */

/** The interface is served from this origin by a handler of the main process; it is neither file: nor the network. */
export const APP_SCHEME = 'ringside';
export const APP_ORIGIN = `${APP_SCHEME}://app`;

/**
 * Content-Security-Policy of every page. `style-src 'unsafe-inline'` is for the terminal, whose renderer sets styles
 * at run time; scripts come from the program alone.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The only pages a window may go to are the program's own. */
export function mayNavigate(url: string): boolean {
  try {
    const target = new URL(url);
    return target.protocol === `${APP_SCHEME}:` && target.host === 'app';
  } catch {
    return false;
  }
}

/** Links to the outside open in the user's browser, and only over https. */
export function mayOpenOutside(url: string): boolean {
  try {
    const target = new URL(url);
    return target.protocol === 'https:' && target.username === '' && target.password === '';
  } catch {
    return false;
  }
}

/** Permissions a page can ask for that are granted: copying, and nothing else. */
export function mayUse(permission: string): boolean {
  return permission === 'clipboard-sanitized-write';
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
};

/** Media type by the file's ending; undefined for what the interface does not consist of. */
export function mediaType(path: string): string | undefined {
  return TYPES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()];
}

/**
 * Path below the renderer's folder for a URL of the program's origin, as segments; undefined for anything that would leave the folder or
 * is not ours.
 */
export function assetPath(url: string): readonly string[] | undefined {
  if (!mayNavigate(url)) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(new URL(url).pathname);
  } catch {
    return undefined;
  }
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.length === 0) return ['index.html'];
  // eslint's no-control-regex would object to the plain range; a NUL or other control never names an asset.
  const clean = segments.every((s) => s !== '.' && s !== '..' && !s.includes('\\') && [...s].every((c) => c.charCodeAt(0) >= 0x20));
  return clean ? segments : undefined;
}
