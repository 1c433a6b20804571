import type { ServerResponse } from 'node:http'
import { shownJson } from './redacted-json.ts'

/** Pages that watch, by server-sent events. */
export interface Live {
  /** Whether anybody watches: else nothing needs to be told. */
  readonly watched: boolean
  /** @returns false where too many watch already */
  add(res: ServerResponse): boolean
  tell(event: string, data: unknown): void
  close(): void
}

const mostPages = 32
/** Proxies and browsers give up a connection on which nothing comes, in milliseconds. */
const beat = 20_000

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function createLive(): Live {
  const pages = new Set<ServerResponse>()
  const timer = setInterval(() => {
    for (const page of pages) page.write(': still here\n\n')
  }, beat).unref()
  return {
    get watched() {
      return pages.size > 0
    },
    add(res) {
      if (pages.size >= mostPages) return false
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      // What changed while it was not connected is not kept: the page reads everything anew.
      res.write('retry: 1000\nevent: ready\ndata: {}\n\n')
      pages.add(res)
      res.on('close', () => pages.delete(res))
      return true
    },
    tell(event, data) {
      for (const page of pages) page.write(`event: ${event}\ndata: ${shownJson(data)}\n\n`)
    },
    close() {
      clearInterval(timer)
      for (const page of pages) page.end()
    },
  }
}
