import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll } from '@jest/globals'

const ROOT = pathToFileURL(join(import.meta.dirname, '../..')).href
const PACKAGE: Record<string, string> = {
  'cloud-automation-webhooks': `${ROOT}/shared/index.ts`,
  'cloud-automation-webhooks/testing': `${ROOT}/test/conformance/index.ts`,
}

/**
 * Registers the tests of the `@example` of a conformance suite. Its provider and its fake are those of the template.
 *
 * @param kind the name of the suite and of the template: `ticket`
 */
export async function runExample(kind: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-example-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = join(folder, `${kind}.ts`)
  const source = readFileSync(join(import.meta.dirname, `${kind}.ts`), 'utf8')
  const program = exampleIn(source).replace(/(?<= from ')[^']+/g, (specifier) =>
    specifier.startsWith('./')
      ? `${ROOT}/test/templates/${kind}/${specifier.slice(2)}`
      : (PACKAGE[specifier] ?? specifier),
  )
  writeFileSync(file, program)
  // Modules with the query of this file share its test framework.
  await import(pathToFileURL(file).href + new URL(import.meta.url).search)
}

function exampleIn(source: string): string {
  const [, example] = /^ \* @example\n((?: \*(?: .*)?\n)+) \*\/$/m.exec(source) ?? []
  if (example === undefined) throw new Error('The suite has no @example.')
  return example.replace(/^ \* ?/gm, '')
}
