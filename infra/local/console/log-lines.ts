import type { Observation } from '../cloud/index.ts'

/** A request that a function has sent, as its log tells of it: neither headers nor bodies, and no secret. */
export interface Outgoing {
  /** When its answer was there, in milliseconds since 1970. */
  at: number
  /** Who was called: `GitHub`. */
  platform: string
  /** The HTTP method; of a call to AWS, the operation. */
  method: string
  host?: string | undefined
  /** Without its query; what it is called where the URL is a credential. */
  path?: string | undefined
  /** Undefined where no answer came. */
  status?: number | undefined
  ms: number
  /** The durable step that it was sent in. */
  step?: string | undefined
}

/** What a function warns of, or calls an error. */
export interface Trouble {
  at: number
  message: string
  reason?: string | undefined
}

/** Reads the lines that the console shows: of the requests that go out, at the level DEBUG, and from WARN on. */
export function readLine(
  { at, line }: Extract<Observation, { kind: 'log' }>,
  step: string | undefined,
): { outgoing: Outgoing } | { trouble: Trouble } | undefined {
  if (!/"message":"called"|"level":"(WARN|ERROR)"/.test(line)) return undefined
  try {
    const { level, message, platform, method, host, path, status, ms, reason, error } = JSON.parse(line)
    if (level === 'WARN' || level === 'ERROR') return { trouble: { at, message, reason: reason ?? error?.message } }
    return message === 'called' ? { outgoing: { at, platform, method, host, path, status, ms, step } } : undefined
  } catch {
    // What a library prints need not be JSON.
    return undefined
  }
}
