import { globSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { cyclesIn, importsOf, importsUpward } from '../imports.ts'

/**
 * The layers of `shared/`, lowest first. A file imports files of its own layer and of lower layers only. Type imports count.
 * A task asks for an approval through `approvals/request`, which knows nothing of the core. The rest of the approvals is above the
 * core: the core runs an approval action through its interface in `providers/action.ts`. The clients of vendors are below the
 * orchestrators, which use them as providers do. `index.ts` exports from all layers to applications.
 */
const LAYERS = [
  'root',
  'text',
  'evaluation',
  'http',
  'aws',
  'policy',
  'sources',
  'state',
  'auth',
  'people',
  'vendors/clients',
  'orchestrators',
  'providers',
  'vendors',
  'approvals/request',
  'core',
  'agents',
  'approvals',
  'events',
  'verify',
  'dispatch',
  'index.ts',
]

const root = join(import.meta.dirname, '../..')
const files = globSync('shared/**/*.ts', { cwd: root })
const imports = new Map(files.map((file) => [file, importsOf(file)]))

function layerOf(file: string): number {
  if (file === 'shared/index.ts') return LAYERS.length - 1
  const folder = dirname(relative('shared', file))
  const isIn = (one: string) => (folder === '.' ? one === 'root' : `${folder}/`.startsWith(`${one}/`))
  return LAYERS.findIndex(isIn)
}

describe('shared/', () => {
  test('has a layer for every file', () => {
    expect(files.filter((file) => layerOf(file) < 0)).toEqual([])
  })

  test('has no import of a higher layer', () => {
    expect(importsUpward(imports, layerOf)).toEqual([])
  })

  test('has no import cycle', () => {
    expect(cyclesIn(imports)).toEqual([])
  })
})
