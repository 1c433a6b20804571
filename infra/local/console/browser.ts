import { existsSync } from 'node:fs'

/** Usual paths of Chromium. `CHROMIUM` sets another one. */
const PATHS = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** Returns the path of an installed Chromium; undefined if there is none. */
export function findBrowser(): string | undefined {
  return PATHS.find((path) => path !== '' && existsSync(path))
}
