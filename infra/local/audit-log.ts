import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { RuntimeEvent } from './runtime-event.ts'

/** After this size, a new file is started, and the older one of two is deleted. */
const MAX_BYTES = 10_000_000

/** Returns the files with the audit records of the local runtime, oldest first. */
function filesIn(state: string): [older: string, newer: string] {
  return [join(state, 'audit.1.jsonl'), join(state, 'audit.jsonl')]
}

/**
 * Returns a function that saves the audit records in the state folder, one line each, so that they survive a restart. A record
 * that cannot be saved, such as on a full disk, is lost: the runtime continues.
 */
export function createAuditLog(state: string, maxBytes = MAX_BYTES): (event: RuntimeEvent) => void {
  const [older, newer] = filesIn(state)
  let bytes = statSync(newer, { throwIfNoEntry: false })?.size ?? 0
  let hasWarned = false
  return (event) => {
    if (event.from !== 'cloud' || event.kind !== 'log' || !isRecord(event.line)) return
    try {
      if (bytes > maxBytes) {
        renameSync(newer, older)
        bytes = 0
      }
      appendFileSync(newer, `${event.line}\n`)
      bytes += event.line.length + 1
    } catch (error) {
      if (!hasWarned) console.warn(`Audit records cannot be saved in ${newer}: ${error}. The runtime continues.`)
      hasWarned = true
    }
  }
}

/** Whether a line may be an audit record. Most lines are not, and are not parsed. */
function isRecord(line: string): boolean {
  return line.includes('"message":"audit"') && line.includes('"auditId":"')
}

/** Returns the lines with the saved audit records, oldest first. */
export function readAuditLog(state: string): string[] {
  return filesIn(state).flatMap((file) => readText(file).split('\n').filter(Boolean))
}

function readText(file: string): string {
  return statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8') : ''
}
