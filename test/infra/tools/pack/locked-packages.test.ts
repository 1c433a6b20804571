import { describe, expect, it } from '@jest/globals'
import { lockedPackages } from '../../../../infra/tools/pack/locked-packages.ts'

const lockfile = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { b: '^1.0.0', c: '^1.0.0' } },
    'node_modules/a/node_modules/b': { version: '1.5.0', license: 'ISC', dependencies: { c: '^1.0.0' } },
    'node_modules/b': { version: '2.0.0', license: 'MIT' },
    'node_modules/c': { version: '1.1.0', license: '(MIT AND Zlib)', optionalDependencies: { d: '1.0.0' } },
    'node_modules/d': { version: '1.0.0', license: 'MIT', dependencies: { a: '^1.0.0' } },
    'node_modules/tool': { version: '3.0.0', license: 'MIT' },
  },
}

describe('lockedPackages', () => {
  it('returns what npm installs for dependencies, each version once', () => {
    expect(lockedPackages(lockfile, ['a']).map(({ name, version }) => `${name}@${version}`)).toEqual([
      'a@1.0.0',
      'b@1.5.0',
      'c@1.1.0',
      'd@1.0.0',
    ])
    expect(lockedPackages(lockfile, ['b'])).toEqual([{ name: 'b', version: '2.0.0', license: 'MIT' }])
  })

  it('rejects a package that declares no license', () => {
    const packages = { 'node_modules/a': { version: '1.0.0' } }
    expect(() => lockedPackages({ packages }, ['a'])).toThrow('no version or license of node_modules/a')
  })

  it('rejects a dependency that is not in the lockfile', () => {
    expect(() => lockedPackages(lockfile, ['e'])).toThrow('package-lock.json has no e. Run npm install.')
  })
})
