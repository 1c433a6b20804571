import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { reachableFrom } from '../../../../infra/tools/pack/reachable.ts'

const root = join(import.meta.dirname, '../../../..')
const namesIn = (list = '') => list.split(',').flatMap((name) => name.trim().split(' as ').at(-1) || [])

test('the package exports what its conformance suites import from @jest/globals', () => {
  const module = readFileSync(join(root, 'infra/tools/pack/node-test.ts'), 'utf8')
  const exported = [...module.matchAll(/^export (?:const (\w+)|\{([^}]*)\})/gm)].flatMap(([, name, list]) =>
    namesIn(name ?? list),
  )
  const { files } = reachableFrom([join(root, 'test/conformance/index.ts')], '.ts')
  const imported = [...files].flatMap((file) =>
    namesIn(/^import \{([^}]*)\} from '@jest\/globals'/m.exec(readFileSync(file, 'utf8'))?.[1]),
  )
  expect(exported).toEqual(expect.arrayContaining(imported))
  expect(imported).toContain('describe')
})
