import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { escapeHtml } from '../../../shared/text/escape-html.ts'
import { pageFiles } from './page-bundle.ts'

const folder = join(import.meta.dirname, 'page')
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}
/** Files that need no build. */
const staticFiles = ['index.html', 'icon.svg']

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
 * Sends a file of the page.
 *
 * @param attributes of the page: a deployed stack that it shows, instead of the local runtime
 * @returns false if the file does not exist
 */
export async function sendAsset(
  res: ServerResponse,
  name: string,
  attributes?: Record<string, string>,
): Promise<boolean> {
  // Compares with the known names, so that a name from a URL never becomes a path.
  const found = staticFiles.includes(name) ? readFileSync(join(folder, name)) : (await pageFiles()).get(name)
  if (!found) return false
  const file = attributes ? String(found).replace('<html', `<html${textOf(attributes)}`) : found
  res.writeHead(200, {
    'content-type': types[extname(name)] ?? 'application/octet-stream',
    'content-security-policy': policy,
    'cache-control': 'no-cache',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'accept',
  })
  res.end(file)
  return true
}

function textOf(data: Record<string, string>): string {
  return Object.entries(data)
    .map(([name, value]) => ` data-${name}="${escapeHtml(value)}"`)
    .join('')
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
