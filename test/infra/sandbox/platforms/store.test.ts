import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from '@jest/globals'
import { openStore } from '../../../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'

const folder = temporaryFolder()

test('The sandbox deletes the tables that another version wrote, and only these', () => {
  const other = new DatabaseSync(join(folder, 'sandbox.db'))
  other.exec(
    "CREATE TABLE issues (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT); INSERT INTO issues (title) VALUES ('Old')",
  )
  const tables = () =>
    other
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
      .map(({ name }) => name)
  for (const expected of [undefined, 'New']) {
    const store = openStore(folder)
    const notes = store.collection<string>('notes')
    expect(notes.get(1)).toBe(expected)
    notes.put(1, 'New')
    store.close()
  }
  expect(tables()).toEqual(['records'])
  other.close()
})

test('A collection keeps the order and the groups in which records were added', () => {
  const store = openStore()
  const notes = store.collection<{ text: string }>('notes')
  notes.put('b', { text: 'One' }, 'first')
  notes.put('a', { text: 'Two' }, 'second')
  store.collection('others').put('b', { text: 'Other' })
  notes.put('b', { text: 'Three' })
  expect(notes.change('a', { text: 'Four' })).toEqual({ text: 'Four' })
  expect(notes.change('c', { text: 'Five' })).toBeUndefined()
  expect(notes.list()).toEqual([{ text: 'Three' }, { text: 'Four' }])
  expect([notes.list('first'), notes.list('third')]).toEqual([[{ text: 'Three' }], []])
  notes.delete('b')
  expect([notes.get('b'), notes.list()]).toEqual([undefined, [{ text: 'Four' }]])
  store.close()
})

test('An empty store contains the initial records of a collection', () => {
  const store = openStore()
  const initial = { a: 'One', b: 'Two' }
  const notes = store.collection('notes', { initial })
  notes.put('a', 'Changed')
  expect(store.collection('notes', { initial }).list()).toEqual(['Changed', 'Two'])
  store.empty()
  expect(notes.list()).toEqual(['One', 'Two'])
  store.close()
})

test('A collection counts on in each scope, and not below the minimum', () => {
  const store = openStore()
  const notes = store.collection('notes')
  expect([notes.next(), notes.next('a'), notes.next(), notes.next('a', 5), notes.next('a', 2)]).toEqual([1, 1, 2, 5, 6])
  store.empty()
  expect(notes.next()).toBe(1)
  store.close()
})
