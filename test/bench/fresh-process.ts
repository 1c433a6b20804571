import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { compile } from './compile.ts'
import type { Fresh } from './fresh.ts'

/**
 * Starts a file in a new process.
 *
 * @param file CommonJS that exports `handler`
 * @param variables the complete environment
 * @param event for one call; without it, the file is only loaded
 * @returns the report, and the milliseconds from the start of the process to the report
 */
export type Starter = (
  file: string,
  variables?: Record<string, string>,
  event?: unknown,
) => Promise<Fresh & { wallMs: number }>

/** Compiles the program of the new processes. */
export async function freshProcesses(scratch: string): Promise<Starter> {
  const main = await compile('fresh.ts', scratch)
  return async (file, variables = {}, event) => {
    const startedAt = performance.now()
    const child = spawn(process.execPath, [main, file, ...(event === undefined ? [] : [JSON.stringify(event)])], {
      env: variables,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    })
    const closed = once(child, 'close')
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk
    })
    let report = ''
    let wallMs = 0
    const reports = child.stdio[3] as Readable
    reports.on('data', (chunk: Buffer) => {
      report += chunk
      if (report.endsWith('\n')) wallMs = performance.now() - startedAt
    })
    await closed
    if (!report.endsWith('\n')) throw new Error(`${file} ended without a report:\n${errors}`)
    const fresh = JSON.parse(report) as Fresh
    if (event !== undefined && (fresh.status ?? 500) >= 300) throw new Error(`${file} returned ${fresh.status}`)
    return { ...fresh, wallMs }
  }
}
