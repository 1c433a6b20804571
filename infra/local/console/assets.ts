import { readdirSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { extname, join } from 'node:path'

const folder = join(import.meta.dirname, 'page')
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Nothing but what comes from here is loaded, run or asked, and no other page can hold this one. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Answers a file of the page, read anew each time, so that an edit is seen at once.
 * @returns false where there is none of this name
 */
export function sendAsset(res: ServerResponse, name: string): boolean {
  // Only what is listed: a name from a URL never becomes a path.
  if (!readdirSync(folder).includes(name)) return false
  res.writeHead(200, {
    'content-type': types[extname(name)] ?? 'application/octet-stream',
    'content-security-policy': policy,
    'cache-control': 'no-cache',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'accept',
  })
  res.end(readFileSync(join(folder, name)))
  return true
}

/** Whether whoever asks would rather see a page: browsers say so, programs that take anything do not. */
export function prefersPage(accept = ''): boolean {
  const wish = (type: string) => {
    const [, ...parameters] = accept
      .split(',')
      .map((part) =>
        part
          .trim()
          .toLowerCase()
          .split(/\s*;\s*/),
      )
      .find(([name]) => name === type) ?? [type, 'q=0']
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    return q === undefined ? 1 : Number(q.slice(2)) || 0
  }
  return wish('text/html') > wish('application/json')
}
