import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { Store } from '../../../infra/local/cloud/store.ts'
import { openStore } from '../../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const folder = temporaryFolder()

it.each([
  ['durable.db', () => new Store(folder)],
  ['sandbox.db', () => openStore(folder)],
])('the error for an unreadable %s names the file and the remedy', (name, open) => {
  writeFileSync(join(folder, name), 'garbage '.repeat(1_000))
  expect(open).toThrow(`Cannot read ${join(folder, name)}: file is not a database. Move it away and start again.`)
})
