/** The parts of the package.json of the checkout that the package needs. */
interface Source {
  name: string
  version: string
  description: string
  license: string
  keywords?: string[]
  repository?: unknown
  homepage?: string
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

/** Packages for own categories, for a CDK app and for tests of own providers. */
const OPTIONAL: Record<string, string> = {
  'aws-cdk-lib': '^',
  constructs: '^',
  esbuild: '>=',
  expect: '^',
  'fast-check': '^',
}

/** The entry points, without extensions. */
export const EXPORTS: Record<string, string> = {
  '.': 'shared/index',
  './categories': 'functions/index',
  './cdk': 'infra/aws/index',
  './testing': 'test/conformance/index',
}

/**
 * Returns the package.json of the package.
 *
 * @param imported the packages that its files import
 */
export function manifestOf(source: Source, imported: ReadonlySet<string>) {
  const { name, version, description, license, keywords, repository, homepage } = source
  const versionOf = (dependency: string, versions = source.dependencies): string => {
    const found = versions[dependency]
    if (found === undefined)
      throw new Error(`The package imports ${dependency}. Add it to the dependencies in package.json.`)
    return found
  }
  const required = [...imported].filter((dependency) => !(dependency in OPTIONAL)).sort()
  return {
    name,
    version,
    description,
    license,
    keywords,
    repository,
    homepage,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=24' },
    bin: { [name]: 'bin.mjs', webhooks: 'bin.mjs' },
    exports: {
      ...Object.fromEntries(
        Object.entries(EXPORTS).map(([entry, path]) => [
          entry,
          { types: `./${path}.d.ts`, default: `./${entry === './cdk' ? 'infra/tools/pack/cdk' : path}.js` },
        ]),
      ),
      './package.json': './package.json',
    },
    imports: { '#node-test': './infra/tools/pack/node-test.js' },
    dependencies: Object.fromEntries(required.map((dependency) => [dependency, versionOf(dependency)])),
    peerDependencies: Object.fromEntries(
      Object.entries(OPTIONAL).map(([dependency, range]) => [
        dependency,
        range + versionOf(dependency, { ...source.devDependencies, ...source.dependencies }),
      ]),
    ),
    peerDependenciesMeta: Object.fromEntries(
      Object.keys(OPTIONAL).map((dependency) => [dependency, { optional: true }]),
    ),
  }
}
