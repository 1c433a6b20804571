import { isCountedByAlarm, withMetrics } from './metrics.ts'
import { toMaskedJson } from './redact.ts'
import { settings } from './settings.ts'

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const
type Level = (typeof LEVELS)[number]

type Details = Error | Record<string, unknown>

let keys: Record<string, unknown> = {}

/**
 * Writes JSON lines to stdout, with all registered secrets masked. Lines that an alarm counts are written at any log level.
 *
 * Not a library: the logger of Powertools takes a fifth of a webhook's start time.
 */
export const log = {
  /** Whether lines of level DEBUG are written, for details that take time to collect. */
  get isDebugging(): boolean {
    return isWritten('DEBUG')
  },
  debug: (message: string, ...details: Details[]) => write('DEBUG', message, details),
  info: (message: string, ...details: Details[]) => write('INFO', message, details),
  warn: (message: string, ...details: Details[]) => write('WARN', message, details),
  error: (message: string, ...details: Details[]) => write('ERROR', message, details),

  /** Adds fields to all further lines. */
  appendKeys(more: Record<string, unknown>): void {
    keys = { ...keys, ...more }
  },

  /** Removes the fields of `appendKeys`. */
  resetKeys(): void {
    keys = {}
  },
}

function write(level: Level, message: string, details: Details[]): void {
  const fields: Record<string, unknown> = Object.assign({}, ...details.map(fieldsOf))
  if (!isWritten(level) && !isCountedByAlarm(fields)) return
  const line = { level, message, timestamp: new Date(), ...keys, ...fields }
  process.stdout.write(`${toMaskedJson(withMetrics(line))}\n`)
}

function isWritten(level: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(settings.logLevel)
}

function fieldsOf(details: Details): Record<string, unknown> {
  return details instanceof Error ? { error: errorFields(details) } : details
}

/** Limits the causes, which may be circular. */
function errorFields({ name, message, stack, cause }: Error, depth = 0): Record<string, unknown> {
  return {
    name,
    message,
    stack,
    ...(cause instanceof Error && depth < 3 ? { cause: errorFields(cause, depth + 1) } : {}),
  }
}
