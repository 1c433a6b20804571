import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The programs of the platforms that open a page in the preferred browser. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}
/** A program that still runs is opening the page. */
const WAIT_MS = 1_500
/** How long a browser may take to read the page that leads to the link. */
const REDIRECT_MS = 30_000

/**
 * Opens a link in the preferred browser.
 *
 * @param opener the program, for tests
 * @returns false if this machine has no browser, as over SSH
 */
export async function openBrowser(link: string, opener = OPENERS[process.platform] ?? ['xdg-open']): Promise<boolean> {
  const [program = '', ...args] = opener
  const child = spawn(program, [...args, new URL(link).search === '' ? link : redirectTo(link)], {
    stdio: 'ignore',
    detached: true,
  })
  const ended = Promise.withResolvers<boolean>()
  child.once('error', () => ended.resolve(false))
  child.once('exit', (code) => ended.resolve(code === 0))
  const timer = setTimeout(() => ended.resolve(true), WAIT_MS)
  const hasOpened = await ended.promise
  clearTimeout(timer)
  child.unref()
  return hasOpened
}

/** Opens a link in the preferred browser, and returns a sentence that says so, or what to do instead. */
export async function openOrExplain(link: string): Promise<string> {
  if (await openBrowser(link)) return 'Opened the console in the browser.'
  return `This machine has no browser that can be opened. Open ${link} yourself.`
}

/** Writes a page that leads to a link with a key: other users of this machine can read the arguments of a process. */
function redirectTo(link: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-console-'))
  const file = join(folder, 'open.html')
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0;url=${link}"><title>Console</title>`, {
    mode: 0o600,
  })
  const remove = () => rmSync(folder, { recursive: true, force: true })
  setTimeout(remove, REDIRECT_MS).unref()
  process.once('exit', remove)
  return file
}
