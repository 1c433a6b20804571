import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Credentials } from './credentials.ts'
import { searchDatabase, searchFiles } from './leaks.ts'

const folder = temporaryFolder()

const credentials = new Credentials(5)
const { accepted, markers } = credentials
const secret = accepted.github
const base64 = (text: string) => Buffer.from(text).toString('base64')

it.each([
  ['verbatim', secret],
  ['in part', secret.slice(0, 20)],
  ['percent-encoded', encodeURIComponent(secret)],
  ['in JSON', JSON.stringify({ secret })],
  ['in Base64', base64(secret)],
  ['in Base64 after a user', base64(`${demo.serviceNow.username}:${accepted.servicenow}`)],
  ['in Base64 after one byte, and after two', `${base64(`a${secret}`)} ${base64(`ab${secret}`)}`],
])('A secret is found %s, at any position of a file', (_, text) => {
  for (const before of ['', 'x'.repeat(100_000)]) {
    writeFileSync(join(folder, 'file'), `${before}${text} and more`)
    const { files, found } = searchFiles([folder, join(folder, 'missing')], markers)
    expect([files, found.length > 0]).toEqual([1, true])
    // The report does not contain the secret.
    expect(found.join()).not.toContain(credentials.marker)
  }
})

it('Nothing is found without a leak', () => {
  writeFileSync(join(folder, 'file'), `PROVE ${base64('PROVE and some other text')} ${'x'.repeat(10_000)}`)
  expect(searchFiles([folder], markers).found).toEqual([])
})

it('A secret is found in any column of a database', () => {
  const file = join(folder, 'some.db')
  const db = new DatabaseSync(file)
  db.exec('CREATE TABLE things (id INTEGER PRIMARY KEY, thing TEXT); CREATE TABLE others (other BLOB)')
  db.prepare('INSERT INTO things (thing) VALUES (?)').run(`${'x'.repeat(4_000)}${secret}`)
  db.prepare('INSERT INTO things (thing) VALUES (?)').run('nothing')
  db.close()
  expect(searchDatabase(file, markers)).toEqual([expect.stringMatching(/^things\.thing: /)])
})
