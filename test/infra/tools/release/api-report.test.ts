import { expect, it } from '@jest/globals'
import { shortReport } from '../../../../infra/tools/release/api/report.ts'

const lamp = '    // (undocumented)\r\n    close(): void;\r\n}\r\n'
const first = `import * as z from 'zod/mini';\r\n\r\n// @public\r\nexport interface Lamp {\r\n${lamp}\r\n// @public (undocumented)\r\ntype Id = string;\r\n`
const second = `// @public (undocumented)\r\ninterface Lamp {\r\n${lamp}\r\n// @public\r\nexport type Id = string;\r\n\r\n// @beta\r\ntype Key = Id;\r\n`

it('a report omits markers, and the types that a report before it lists', () => {
  const listed = new Set<string>()
  expect(shortReport(first, listed)).toBe(
    "import * as z from 'zod/mini';\n\nexport interface Lamp {\n    close(): void;\n}\n\ntype Id = string;\n",
  )
  // An exported type is part of the API of this entry point, too.
  expect(shortReport(second, listed)).toBe('export type Id = string;\n\n// @beta\ntype Key = Id;\n')
})

it('a report lists a type that differs from one of the same name', () => {
  const listed = new Set<string>()
  shortReport('type Key = Id;\n\ntype Id = string;\n', listed)
  expect(shortReport('type Key = Id;\n\ntype Id = number;\n', listed)).toBe('type Id = number;\n')
})
