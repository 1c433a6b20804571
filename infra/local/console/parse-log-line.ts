import type { Observation } from '../cloud/index.ts'

/** An outgoing call of a function, from its log: without headers, bodies and secrets. */
export interface Outgoing {
  /** Time of the response in milliseconds since 1970. */
  at: number
  /** Title of the platform: `GitHub`. */
  platform: string
  /** HTTP method, or operation of an AWS API. */
  method: string
  host?: string | undefined
  /** Path without query, or a name if the URL is a credential. */
  path?: string | undefined
  /** Undefined if there was no response. */
  status?: number | undefined
  ms: number
  /** Durable step that sent it. */
  step?: string | undefined
}

/** A warning or an error in the log of a function. */
export interface LogMessage {
  at: number
  message: string
  reason?: string | undefined
}

/** Parses the log lines that the console shows: outgoing calls, warnings and errors. */
export function parseLogLine(
  { at, line }: Extract<Observation, { kind: 'log' }>,
  step: string | undefined,
): { outgoing: Outgoing } | { warning: LogMessage } | undefined {
  if (!/"message":"called"|"level":"(WARN|ERROR)"/.test(line)) return undefined
  try {
    const { level, message, platform, method, host, path, status, ms, reason, error } = JSON.parse(line)
    if (level === 'WARN' || level === 'ERROR') return { warning: { at, message, reason: reason ?? error?.message } }
    return message === 'called' ? { outgoing: { at, platform, method, host, path, status, ms, step } } : undefined
  } catch {
    // Libraries may print lines that are not JSON.
    return undefined
  }
}
