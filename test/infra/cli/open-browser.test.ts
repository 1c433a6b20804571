import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { openBrowser } from '../../../infra/cli/terminal/open-browser.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const folder = temporaryFolder()

/** A program that saves its argument, or the page that the argument names. */
const opener = (file: string) => {
  const script = `const page = process.argv[1]
    require('node:fs').writeFileSync(${JSON.stringify(file)}, page.startsWith('http') ? page : page + require('node:fs').readFileSync(page))`
  return [process.execPath, '-e', script]
}

it('opens a link with the program of the platform', async () => {
  const file = join(folder, 'link')
  expect(await openBrowser('http://127.0.0.1:8787/', opener(file))).toBe(true)
  expect(readFileSync(file, 'utf8')).toBe('http://127.0.0.1:8787/')
})

it('passes a link with a key in a file, because arguments are public', async () => {
  const file = join(folder, 'key')
  await openBrowser('http://127.0.0.1:8787/?key=secret', opener(file))
  expect(readFileSync(file, 'utf8')).toMatch(
    /^\/.*\/open\.html<!doctype html>.*url=http:\/\/127\.0\.0\.1:8787\/\?key=secret/,
  )
})

it('reports that there is no browser', async () => {
  expect(await openBrowser('http://127.0.0.1:8787/', [join(folder, 'none')])).toBe(false)
  expect(await openBrowser('http://127.0.0.1:8787/', [process.execPath, '-e', 'process.exit(3)'])).toBe(false)
})
