import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { categories } from '../../../functions/index.ts'
import { bomFile, dist, finisher, licensesFile, webhookBundle } from '../../../infra/build/files.ts'

/** SDK packages that only providers for AWS services use. */
const ofProviders = /node_modules\/(@aws-sdk\/(?:client-(?!lambda)[\w-]+|credential-providers))\//

const require = createRequire(import.meta.url)
const loadedWith = new Map<string, string[]>()

/** Returns the files of a bundle that a new environment loads with one of them. */
function start(file: string): string[] {
  const known = loadedWith.get(file)
  if (known) return known
  for (const path of Object.keys(require.cache)) if (path.startsWith(dist)) delete require.cache[path]
  require(file)
  const loaded = Object.keys(require.cache).filter((path) => path.startsWith(dist))
  loadedWith.set(file, loaded)
  return loaded
}

const filesIn = (category: string) => readdirSync(join(dist, category))

/** Returns the SDK packages that a new environment loads with a file. */
function clientsWith(category: string, file: string): string[] {
  return [...new Set(sourcesWith(category, file).flatMap((source) => ofProviders.exec(source)?.[1] ?? []))].sort()
}

/** Returns the sources that a new environment loads with a file. */
function sourcesWith(category: string, file: string): string[] {
  const loaded = start(join(dist, category, file))
  expect(loaded.map((name) => basename(name))).toContain(file)
  return loaded.flatMap((name) => (JSON.parse(readFileSync(`${name}.map`, 'utf8')) as { sources: string[] }).sources)
}

/** Returns the file of a provider. There are two if two categories have a provider of this name. */
function filesOf(category: string, provider: string): string[] {
  const found = filesIn(category).filter((file) => new RegExp(`^${provider}-[A-Z0-9]{8}\\.js$`).test(file))
  if (found.length === 0) throw new Error(`No file for ${provider} of ${category}`)
  return found
}

const providers = categories.flatMap(({ name, providers }) =>
  Object.keys(providers).map((provider) => [name, provider]),
)
const clients: Record<string, string> = {
  'aws-appconfig': '@aws-sdk/client-appconfig',
  'aws-opscenter': '@aws-sdk/client-ssm',
  'aws-ssm-automation': '@aws-sdk/client-ssm',
  'aws-codebuild': '@aws-sdk/client-codebuild',
  'aws-codepipeline': '@aws-sdk/client-codepipeline',
  'aws-sagemaker': '@aws-sdk/client-sagemaker',
  'aws-step-functions': '@aws-sdk/client-sfn',
  // These sign requests themselves.
  'aws-dlt': '@aws-sdk/credential-providers',
  'aws-fis': '@aws-sdk/credential-providers',
  'aws-ses': '@aws-sdk/credential-providers',
  'aws-sns': '@aws-sdk/credential-providers',
  'aws-application-signals': '@aws-sdk/credential-providers',
  'aws-cloudwatch': '@aws-sdk/credential-providers',
  'aws-eventbridge': '@aws-sdk/credential-providers',
}

describe('SDK clients of providers', () => {
  test.each(categories.map(({ name }) => name))('are not loaded at the start of %s', (category) => {
    for (const file of [`${webhookBundle}.js`, 'task.js']) expect(clientsWith(category, file)).toEqual([])
  })

  test.each(providers)('in %s: %s loads only its own', (category = '', provider = '') => {
    const client = clients[provider]
    for (const file of filesOf(category, provider)) expect(clientsWith(category, file)).toEqual(client ? [client] : [])
  })
})

test.each(categories.map(({ name }) => name))(
  'The start of a webhook of %s loads no code that evaluates rules',
  (category) => {
    const sources = sourcesWith(category, `${webhookBundle}.js`)
    expect(
      sources.filter((source) =>
        /policy\/(?:deployed|evaluate|file|match)\.ts|webhook\/restrict\.ts|jmespath/.test(source),
      ),
    ).toEqual([])
  },
)

describe('names of classes', () => {
  test.each(categories.map(({ name }) => name))('exist in %s if the SDKs read them', (category) => {
    const files = filesIn(category).filter((file) => file.endsWith('.js'))
    const text = files.map((file) => readFileSync(join(dist, category, file), 'utf8')).join('\n')
    const classNames = [...text.matchAll(/\(this,"(\w+)"\)/g)].map(([, name = '']) => name)
    // Read by the durable execution SDK and by shared/aws. esbuild adds a character to colliding names.
    expect(classNames).toEqual(expect.arrayContaining(['DurableExecutionInvocationInputWithClient', 'InvokeCommand']))
    expect(classNames.filter((name) => /^_|(?:Command|Client|Exception|Error)\d+$/.test(name))).toEqual([])
  })

  test.each(categories.map(({ name }) => name))(
    'do not exist in the files that a webhook of %s loads at the start',
    (category) => {
      const loaded = start(join(dist, category, `${webhookBundle}.js`))
      for (const file of loaded) expect(readFileSync(file, 'utf8')).not.toMatch(/\(this,"\w+"\)/)
    },
  )
})

describe('packages of the bundles', () => {
  const packages = (folder: string): string[] => {
    const maps = readdirSync(folder).filter((file) => file.endsWith('.map'))
    const sources = maps.flatMap(
      (file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { sources: string[] }).sources,
    )
    const names = sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? [])
    return [...new Set(names)]
  }

  test.each([...categories.map(({ name }) => name), finisher])('%s contains their licenses', (name) => {
    const folder = join(dist, name)
    const licenses = readFileSync(join(folder, licensesFile), 'utf8')
    const used = packages(folder)
    expect(used.length).toBeGreaterThan(5)
    const named = [...licenses.matchAll(/^(\S+) \d\S* \([^)]+\)$/gm)].map(([, found = '']) => found)
    expect(used.filter((found) => !named.includes(found))).toEqual([])
    expect(licenses).toContain('Permission is hereby granted, free of charge')
    // Not bundled.
    expect(licenses).not.toContain('aws-cdk')
  })

  test('are listed in the bill of materials', () => {
    const { components, ...bom } = JSON.parse(readFileSync(join(dist, bomFile), 'utf8'))
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 })
    const used = new Set(
      [...categories.map(({ name }) => name), finisher].flatMap((name) => packages(join(dist, name))),
    )
    expect(new Set(components.map(({ name }: { name: string }) => name))).toEqual(used)
    const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'))
    expect(components).toContainEqual(
      expect.objectContaining({
        name: '@middy/core',
        purl: `pkg:npm/%40middy/core@${dependencies['@middy/core']}`,
        licenses: [{ expression: 'MIT' }],
      }),
    )
  })
})

describe('files that a webhook loads at the start', () => {
  test.each(categories.map(({ name }) => name))('%s: its own file and one more', (category) => {
    const loaded = start(join(dist, category, `${webhookBundle}.js`))
    expect(loaded).toHaveLength(2)
  })

  test.each(categories.map(({ name }) => name))('%s: only the used parts of zod', (category) => {
    const loaded = start(join(dist, category, `${webhookBundle}.js`))
    // From an unused module of zod.
    for (const file of loaded) expect(readFileSync(file, 'utf8')).not.toContain('floatSafeRemainder')
  })
})
