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

/** Allows only resources of this server, and forbids other pages to embed the console. */
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
 * Sends a file of the page. Reads it for each request, so that edits apply immediately.
 *
 * @returns false if the file does not exist
 */
export function sendAsset(res: ServerResponse, name: string): boolean {
  // Compares with the list of files, so that a name from a URL never becomes a path.
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

/** Returns whether the client prefers HTML to JSON. Browsers do, programs that accept anything do not. */
export function prefersPage(accept = ''): boolean {
  const qualityOf = (type: string) => {
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
  return qualityOf('text/html') > qualityOf('application/json')
}
