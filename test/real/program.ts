import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../e2e/service.ts'

/** A real program, and what is tried with it. */
export interface Program {
  name: string
  /** Its script in this folder, which prints `READY <url> pid=<pid> ..` and leaves it running. */
  script: string
  /** The start of the names of the test files in this folder, which Jest runs. */
  suite?: string
  /** The ends of the names of tests in these files that the program cannot pass, and why. */
  unreachable?: Record<string, string>
  checks?(started: Started): Promise<Checks>
}

export interface Checks {
  /** The tests by their names, in order. Later ones depend on records of earlier ones. */
  tests: Record<string, () => Promise<void>>
  close?: () => Promise<void>
}

export interface Started {
  url: string
  /** The other values of the READY line, by name: credentials, a process id. */
  details: Record<string, string>
}

/** Exit code of a start script whose program is not available on this machine. */
const unavailable = 69
/** Includes the installation. */
const MAX_START_MS = 900_000

/** Everything that was started here and is not ended yet, by its process id. */
const running = new Set<number>()

/** Starts a program on a free port, or returns why it is not available on this machine. */
export async function start({ script }: Program): Promise<Started | { skipped: string }> {
  const child = spawn('bash', [join(import.meta.dirname, script)], {
    env: { ...process.env, PORT: String(await freePort()) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MAX_START_MS,
  })
  running.add(child.pid ?? 0)
  let output = ''
  let reason = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    reason += chunk.toString()
  })
  // Not `close`: what it leaves running may hold its output open.
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  running.delete(child.pid ?? 0)
  child.stdout.destroy()
  child.stderr.destroy()
  if (code === unavailable) return { skipped: reason.trim() }
  const [, url, rest = ''] = /^READY (\S+) ?(.*)$/m.exec(output) ?? []
  if (code !== 0 || url === undefined) throw new Error(`${script} ended with ${code ?? signal}: ${reason.trim()}`)
  const details = Object.fromEntries(rest.split(' ').map((word) => word.split('=', 2) as [string, string]))
  running.add(Number(details['pid']))
  return { url, details }
}

/** Ends a program, gently first. */
export async function end({ details }: Started): Promise<void> {
  const pid = Number(details['pid'])
  for (const [signal, attempts] of [
    ['SIGTERM', 100],
    ['SIGKILL', 20],
  ] as const) {
    if (!signalTo(pid, signal)) break
    for (let at = 0; at < attempts && signalTo(pid, 0); at++) await sleep(100)
  }
  running.delete(pid)
}

/** Ends all programs immediately. */
export function endAll(): void {
  for (const pid of running) if (pid > 0) signalTo(pid, 'SIGKILL')
}

function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
