import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { type Bundle, bomFile, buildBundles, finisher, licensesFile } from '../../infra/build/main.ts'
import { freshProcesses, type Starter } from '../bench/fresh-process.ts'

/** What only providers that are part of AWS need: all but what every function needs some time. */
const ofProviders =
  /node_modules\/(@aws-sdk\/(?:client-(?!dynamodb|lambda|secrets-manager)[\w-]+|credential-providers))\//

const scratch = mkdtempSync(join(tmpdir(), 'bundles-'))
let bundles: Bundle[]
let start: Starter
beforeAll(async () => {
  bundles = await buildBundles(join(scratch, 'bundles'))
  start = await freshProcesses(scratch)
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** The clients of AWS that a process has loaded with a file of a bundle, less what it loads when it needs it. */
async function clientsWith(category: string, file: string): Promise<string[]> {
  const { loaded } = await start(join(scratch, 'bundles', category, file))
  expect(loaded.map((name) => basename(name))).toContain(file)
  const sources = loaded.flatMap(
    (name) => (JSON.parse(readFileSync(`${name}.map`, 'utf8')) as { sources: string[] }).sources,
  )
  return [...new Set(sources.flatMap((source) => ofProviders.exec(source)?.[1] ?? []))].sort()
}

/** The file that a provider is loaded from; of one that has its name from two categories both. */
function filesOf(category: string, provider: string): string[] {
  const files = Object.keys(bundles.find(({ name }) => name === category)?.files ?? {})
  const found = files.filter((file) => new RegExp(`^${provider}-[A-Z0-9]{8}\\.js$`).test(file))
  if (found.length === 0) throw new Error(`There is no file for ${provider} of ${category}`)
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
  // No client: they sign by themselves.
  'aws-dlt': '@aws-sdk/credential-providers',
  'aws-fis': '@aws-sdk/credential-providers',
  'aws-sns': '@aws-sdk/credential-providers',
  'aws-application-signals': '@aws-sdk/credential-providers',
  'aws-cloudwatch': '@aws-sdk/credential-providers',
  'aws-eventbridge': '@aws-sdk/credential-providers',
}

describe('the clients of AWS that only some providers need', () => {
  test.each(categories.map(({ name }) => name))('are not loaded when a function of %s starts', async (category) => {
    for (const file of ['webhook.js', 'task.js']) expect(await clientsWith(category, file)).toEqual([])
  })

  test.each(providers)('are loaded in %s by %s only where it calls them', async (category = '', provider = '') => {
    const client = clients[provider]
    for (const file of filesOf(category, provider))
      expect(await clientsWith(category, file)).toEqual(client ? [client] : [])
  })
})

describe('the names of classes that are asked for', () => {
  test.each(categories.map(({ name }) => name))('are kept in the files of %s', (category) => {
    const files = Object.keys(bundles.find(({ name }) => name === category)?.files ?? {})
    const text = files.map((file) => readFileSync(join(scratch, 'bundles', category, file), 'utf8')).join('\n')
    const kept = [...text.matchAll(/\(this,"(\w+)"\)/g)].map(([, name = '']) => name)
    // By the durable execution SDK, and by our client of AWS; a name that esbuild had to change would have a sign more.
    expect(kept).toEqual(expect.arrayContaining(['DurableExecutionInvocationInputWithClient', 'InvokeCommand']))
    expect(kept.filter((name) => /^_|(?:Command|Client|Exception|Error)\d+$/.test(name))).toEqual([])
  })

  test.each(categories.map(({ name }) => name))(
    'are not kept in what a webhook of %s starts with',
    async (category) => {
      const { loaded } = await start(join(scratch, 'bundles', category, 'webhook.js'))
      for (const file of loaded) expect(readFileSync(file, 'utf8')).not.toMatch(/\(this,"\w+"\)/)
    },
  )
})

describe('the packages of the bundles', () => {
  const packages = async (folder: string): Promise<string[]> => {
    const maps = readdirSync(folder).filter((file) => file.endsWith('.map'))
    const sources = maps.flatMap(
      (file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { sources: string[] }).sources,
    )
    const names = sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? [])
    return [...new Set(names)]
  }

  test.each([...categories.map(({ name }) => name), finisher])('%s has their licences', async (name) => {
    const folder = join(scratch, 'bundles', name)
    const licenses = readFileSync(join(folder, licensesFile), 'utf8')
    const used = await packages(folder)
    expect(used.length).toBeGreaterThan(5)
    const named = [...licenses.matchAll(/^(\S+) \d\S* \([^)]+\)$/gm)].map(([, found = '']) => found)
    expect(used.filter((found) => !named.includes(found))).toEqual([])
    expect(licenses).toContain('Permission is hereby granted, free of charge')
    // Not bundled, so not named.
    expect(licenses).not.toContain('aws-cdk')
  })

  test('are listed in a bill of materials', async () => {
    const { components, ...bom } = JSON.parse(readFileSync(join(scratch, 'bundles', bomFile), 'utf8'))
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 })
    const used = new Set(
      (
        await Promise.all(
          [...categories.map(({ name }) => name), finisher].map((name) => packages(join(scratch, 'bundles', name))),
        )
      ).flat(),
    )
    expect(new Set(components.map(({ name }: { name: string }) => name))).toEqual(used)
    const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(components).toContainEqual(
      expect.objectContaining({
        name: '@middy/core',
        purl: `pkg:npm/%40middy/core@${dependencies['@middy/core']}`,
        licenses: [{ expression: 'MIT' }],
      }),
    )
  })
})

describe('what a webhook starts with', () => {
  test.each(categories.map(({ name }) => name))('is its own file of %s and one more', async (category) => {
    const { loaded } = await start(join(scratch, 'bundles', category, 'webhook.js'))
    expect(loaded).toHaveLength(2)
  })

  test.each(categories.map(({ name }) => name))('has of zod only what %s uses', async (category) => {
    const { loaded } = await start(join(scratch, 'bundles', category, 'webhook.js'))
    // Of its tools, which none of ours asks for.
    for (const file of loaded) expect(readFileSync(file, 'utf8')).not.toContain('floatSafeRemainder')
  })
})
