import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { withDirectImports } from '../../../infra/build/direct-imports.ts'

const path = (file: string) => JSON.stringify(join(import.meta.dirname, '../../..', file))

test('imports of an application lead to the modules that export the names, on the same lines', () => {
  const text = `import {
  defineTicketProvider,
  segment as encode,
  type Ticket,
} from 'cloud-automation-webhooks'
import { issueTicketing as shipped } from 'cloud-automation-webhooks/categories'
import type { Outcome } from 'cloud-automation-webhooks'
export { slug as slugOf } from 'cloud-automation-webhooks'
import { own } from '../own.ts'
`
  const imports = [
    `import { defineTicketProvider as defineTicketProvider } from ${path('shared/providers/ticket.ts')}`,
    `import { segment as encode } from ${path('shared/http/segment.ts')}`,
  ].join(';')
  expect(withDirectImports(text)).toBe(`${imports}



\nimport { issueTicketing as shipped } from ${path('functions/issue-ticketing/index.ts')}
import type { Outcome } from 'cloud-automation-webhooks'
export { slug as slugOf } from ${path('shared/text/slug.ts')}
import { own } from '../own.ts'
`)
})

test('the schemas are a namespace, so that a bundle contains only those that it uses', () => {
  expect(withDirectImports("import { z } from 'cloud-automation-webhooks'")).toMatch(/^import \* as z from "\/.*zod/)
})

test('an import of an unknown name stays, so that the bundler reports it', () => {
  const text = "import { optional, optionel } from 'cloud-automation-webhooks'"
  expect(withDirectImports(text)).toBe(text)
})
