import { toPlainText } from '../../shared/text/plain-text.ts'
import { singleLine } from '../../shared/text/single-line.ts'
import { clockTime } from '../sandbox/clock-time.ts'
import { alertLogLine } from './alert-log.ts'
import type { RuntimeEvent } from './runtime-event.ts'

/**
 * Formats an event as one line; returns undefined for events that are not printed. `-->` marks incoming requests, `<--` marks
 * outgoing calls and events.
 */
export function formatEvent(event: RuntimeEvent): string | undefined {
  switch (event.from) {
    case 'gateway':
      return line(event.at, '-->', `${event.method} ${event.path} ${event.status} in ${event.ms} ms`, event.detail)
    case 'sandbox':
      return sandboxLine(event)
    case 'cloud':
      return cloudLine(event)
  }
}

function sandboxLine({
  at,
  target,
  method,
  path,
  status,
  note,
}: Extract<RuntimeEvent, { from: 'sandbox' }>): string | undefined {
  if (method === 'EVENT') return line(Date.parse(at), '<--', `event ${path}`, note)
  const failed = status === null || status >= 400
  // Keptn events have their own line, and the simulated Keptn polls four times a second.
  if (target === 'keptn' && !failed) return undefined
  return line(Date.parse(at), '<--', `${target} ${method} ${path} ${status ?? 'no response'}`, note)
}

function cloudLine(event: Extract<RuntimeEvent, { from: 'cloud' }>): string | undefined {
  const task = event.execution?.slice(0, 8)
  if (event.kind === 'operation') {
    // One line per step: when it ends or is retried.
    if (event.status === 'STARTED' || event.status === 'READY') return undefined
    const attempt = event.attempt !== undefined && event.attempt > 1 ? `, attempt ${event.attempt}` : ''
    return line(
      event.at,
      '   ',
      `task ${task} ${event.name}: ${String(event.status).toLowerCase()}${attempt}`,
      event.error?.ErrorMessage,
    )
  }
  if (event.kind === 'execution')
    return line(event.at, '   ', `task ${task} ${String(event.status).toLowerCase()}`, event.error?.ErrorMessage)
  const alert = event.kind === 'log' ? alertLogLine(event.line) : undefined
  return alert?.isProblem ? line(event.at, '   ', `alert of ${alert.source}`, alert.text) : undefined
}

/** Returns `12:00:00.000Z --> text (detail)` on one line. */
function line(at: number, arrow: string, text: string, detail?: string): string {
  const more = detail ? ` (${detail})` : ''
  return `${clockTime(at)} ${arrow} ${singleLine(toPlainText(`${text}${more}`))}`
}
