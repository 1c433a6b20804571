import type { Observation } from '../cloud/index.ts'
import type { CallFields, LogLine, Outgoing } from './call-record.ts'

interface ParsedLine {
  outgoing?: Outgoing
  line?: LogLine
  fields?: CallFields
}

/** Parses a log line: a request to a platform, or a line for people. */
export function parseLogLine(
  { at, line }: Pick<Extract<Observation, { kind: 'log' }>, 'at' | 'line'>,
  step: string | undefined,
): ParsedLine | undefined {
  try {
    const { level, message, platform, method, host, path, status, ms, reason, error, caller, connection, provider } =
      JSON.parse(line)
    if (typeof message !== 'string') return undefined
    if (message === 'called') return { outgoing: { at, platform, method, host, path, status, ms, step } }
    if (level === 'DEBUG') return undefined
    return {
      line: { at, level, message, reason: reason ?? error?.message },
      ...(message === 'request' ? { fields: { caller, connection, provider } } : {}),
    }
  } catch {
    // Libraries may print lines that are not JSON.
    return undefined
  }
}
