import { redact } from './redact.ts'
import { settings } from './settings.ts'

const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const
type Level = (typeof levels)[number]

/** What goes with a message: an error, or fields. */
type Details = Error | Record<string, unknown>

let keys: Record<string, unknown> = {}

/**
 * The one logger: JSON lines on stdout, in which every known secret value is masked, whatever is logged.
 *
 * Its own few lines and not a library: Powertools' logger takes a fifth of the time in which a webhook starts, for the level,
 * the keys and the error below, which are all that is used here.
 */
export const log = {
  debug: (message: string, ...details: Details[]) => write('DEBUG', message, details),
  info: (message: string, ...details: Details[]) => write('INFO', message, details),
  warn: (message: string, ...details: Details[]) => write('WARN', message, details),
  error: (message: string, ...details: Details[]) => write('ERROR', message, details),

  /** These stand in every line from now on. */
  appendKeys(more: Record<string, unknown>): void {
    keys = { ...keys, ...more }
  },

  /** Only what is logged with a message stands in a line. */
  resetKeys(): void {
    keys = {}
  },
}

function write(level: Level, message: string, details: Details[]): void {
  if (levels.indexOf(level) < levels.indexOf(settings.logLevel)) return
  const line = { level, message, timestamp: new Date(), ...keys, ...Object.assign({}, ...details.map(fieldsOf)) }
  process.stdout.write(
    `${JSON.stringify(line, (_name, value) => (typeof value === 'string' ? redact(value) : value))}\n`,
  )
}

function fieldsOf(details: Details): Record<string, unknown> {
  return details instanceof Error ? { error: errorFields(details) } : details
}

/** With its causes, of which there may be a ring. */
function errorFields({ name, message, stack, cause }: Error, depth = 0): Record<string, unknown> {
  return {
    name,
    message,
    stack,
    ...(cause instanceof Error && depth < 3 ? { cause: errorFields(cause, depth + 1) } : {}),
  }
}
