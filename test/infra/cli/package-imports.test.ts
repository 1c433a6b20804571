import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { templateKinds } from '../../../infra/cli/extend/kinds.ts'
import { withPackageImports } from '../../../infra/cli/extend/package-imports.ts'

const root = join(import.meta.dirname, '../../..')
const converted = (path: string) => withPackageImports(readFileSync(join(root, path), 'utf8'), path)

test('the imports of a template lead to the package, one statement for each entry point', () => {
  const [head] = converted('test/templates/ticket/provider.test.ts').split('\n\n')
  expect(head).toBe(`import { closeTicket, openTicket, updateTicket } from 'cloud-automation-webhooks'
import {
  clientOf,
  describe,
  expect,
  failureOf,
  keyOf,
  problem,
  startEach,
  test,
  ticketConformance,
} from 'cloud-automation-webhooks/testing'
import { startAcme, ticketRow } from './fake.ts'
import { acme } from './provider.ts'`)
})

test.each(templateKinds)('no import of the template %s leads to the checkout', (kind) => {
  for (const file of ['index', 'actions', 'http', 'provider', 'fake', 'provider.test']) {
    const text = converted(`test/templates/${kind}/${file}.ts`)
    const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, path = '']) => path)
    expect(imports.filter((path) => !/^(\.\/[\w.-]+|cloud-automation-webhooks(\/\w+)?)$/.test(path))).toEqual([])
  }
})
