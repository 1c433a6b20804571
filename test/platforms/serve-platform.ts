import type { Platform } from '../../infra/sandbox/platforms/sandbox/http.ts'
import { type Served, serve } from '../../infra/testing/loopback-server.ts'

/** Starts a server for a platform of the sandbox. */
export function servePlatform(platform: Platform): Promise<Served> {
  return serve(({ method, encodedPath, query, headers, text }) =>
    platform.answer({
      method,
      path: encodedPath,
      query,
      headers,
      body: text,
      size: Buffer.byteLength(text),
      root: `http://${headers.host}`,
    }),
  )
}
