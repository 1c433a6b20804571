import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { Store } from '../../../infra/local/cloud/store.ts'
import { openStore } from '../../../infra/platforms/sandbox/store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-unreadable-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it.each([
  ['durable.db', () => new Store(folder)],
  ['sandbox.db', () => openStore(folder)],
])('the error for an unreadable %s names the file and the remedy', (name, open) => {
  writeFileSync(join(folder, name), 'garbage '.repeat(1_000))
  expect(open).toThrow(`Cannot read ${join(folder, name)}: file is not a database. Move it away and start again.`)
})
