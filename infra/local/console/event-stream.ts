import type { ServerResponse } from 'node:http'
import { redactedJson } from './redact-json.ts'

/** Server-sent events for the open pages. */
export interface EventStream {
  /** Whether a page is open. Otherwise nothing needs to be sent. */
  readonly hasPages: boolean
  /** @returns false if too many pages are open */
  add(res: ServerResponse): boolean
  send(event: string, data: unknown): void
  close(): void
}

const MAX_PAGES = 32
/** Proxies and browsers close an idle connection. */
const KEEP_ALIVE_MS = 20_000

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function createEventStream(): EventStream {
  const pages = new Set<ServerResponse>()
  const timer = setInterval(() => {
    for (const page of pages) page.write(': keep-alive\n\n')
  }, KEEP_ALIVE_MS).unref()
  return {
    get hasPages() {
      return pages.size > 0
    },
    add(res) {
      if (pages.size >= MAX_PAGES) return false
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      // Events during an interruption are lost: the page loads everything again.
      res.write('retry: 1000\nevent: ready\ndata: {}\n\n')
      pages.add(res)
      res.on('close', () => pages.delete(res))
      return true
    },
    send(event, data) {
      for (const page of pages) page.write(`event: ${event}\ndata: ${redactedJson(data)}\n\n`)
    },
    close() {
      clearInterval(timer)
      for (const page of pages) page.end()
    },
  }
}
