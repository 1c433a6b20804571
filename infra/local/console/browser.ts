import { existsSync } from 'node:fs'

/** Where Debian, Alpine, macOS and others put a Chromium; `CHROMIUM` names another. */
const places = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The browser of this machine, which this project does not install; undefined where there is none. */
export function findBrowser(): string | undefined {
  return places.find((place) => place !== '' && existsSync(place))
}
