import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { connectionSchema } from '../../shared/providers/connections.ts'
import { validate } from '../../shared/validate.ts'
import { connectionText } from './page.ts'

const folder = join(import.meta.dirname, '../../docs/http')
const pages = readdirSync(folder).filter((file) => file !== 'README.md')
const index = readFileSync(join(folder, 'README.md'), 'utf8')

describe.each(pages)('docs/http/%s', (file) => {
  const text = readFileSync(join(folder, file), 'utf8')
  const page = file.replace('.md', '')
  const [, categoryName, source] = /connect ([a-z-]+)\/[a-z0-9-]+ --from-file (\S+)$/m.exec(text) ?? []

  test('has a valid connection and the command that stores it', async () => {
    const category = categories.find(({ name }) => name === categoryName)
    const { ca: _, ...connection } = JSON.parse(connectionText(page))
    const provider = await category?.providers[connection.provider]?.()
    if (!category || !provider) throw new Error(`${categoryName} has no provider ${connection.provider}`)
    validate(connectionSchema(provider, category), connection, { what: file })
    expect(source).toBe(`${page}.json`)
    expect(text).toContain(`\n\`${source}\`:\n`)
  })

  test('is listed with its category', () => {
    expect(index).toMatch(new RegExp(`\\]\\(${file.replace('.', '\\.')}\\) \\| ${categoryName} \\|`))
  })
})
