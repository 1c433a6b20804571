import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import type { Category } from '../../shared/providers/category.ts'

const root = join(import.meta.dirname, '../..')
const all: readonly Category[] = categories

/** Names that a protocol, an orchestrator, an entry point or the route that cancels a task also has. */
const AMBIGUOUS = ['http', 'keptn', 'webhook', 'cancel']

const names = [
  ...new Set(all.flatMap(({ actions, providers }) => [...Object.keys(actions), ...Object.keys(providers)])),
].filter((name) => !AMBIGUOUS.includes(name))

describe.each(['infra/aws', 'infra/build', 'infra/openapi'])('%s', (folder) => {
  it('contains no name of an action or a provider: they declare what they need', () => {
    const files = readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts'))
    const found = files.flatMap((file) => {
      const text = readFileSync(join(root, folder, file), 'utf8').replace(/ from '[^']*'/g, '')
      return names.filter((name) => new RegExp(`['"\`/]${name}['"\`/.]`).test(text)).map((name) => `${file}: ${name}`)
    })
    expect(found).toEqual([])
  })
})
