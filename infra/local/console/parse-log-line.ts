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
    const parsed = JSON.parse(line)
    const { level, message, platform, method, host, path, status, ms, reason, error, caller, connection, provider } =
      parsed
    if (typeof message !== 'string') return undefined
    if (message === 'called') return { outgoing: { at, platform, method, host, path, status, ms, step } }
    if (level === 'DEBUG') return undefined
    return {
      line: { at, level, message, facts: factsOf(parsed), reason: reason ?? error?.message },
      ...(message === 'request' || message === 'audit' ? { fields: textsIn({ caller, connection, provider }) } : {}),
    }
  } catch {
    // Libraries may print lines that are not JSON.
    return undefined
  }
}

/** The line of a refused call names its caller only for the audit. */
function textsIn(fields: Record<keyof CallFields, unknown>): CallFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value === 'string'))
}

/** The fields that the page shows elsewhere, and ids that only help to search the logs of AWS. */
const SHOWN = [
  'level',
  'message',
  'timestamp',
  'reason',
  'category',
  'action',
  'connection',
  'provider',
  'taskId',
  'eventId',
  'requestId',
  'traceId',
  'context',
  'auditId',
  'inputDigest',
]

/** Returns the other fields of a line in one line. Metrics and errors are objects. */
function factsOf(line: Record<string, unknown>): string {
  return Object.entries(line)
    .filter(([name, value]) => !SHOWN.includes(name) && ['string', 'number'].includes(typeof value))
    .map(([name, value]) => (name === line['message'] ? value : `${name} ${value}`))
    .join(', ')
}
