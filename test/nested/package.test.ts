import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { webhookBundle } from '../../infra/build/files.ts'
import { templateKinds } from '../../infra/cli/extend/kinds.ts'
import { quoteForShell } from '../../infra/project/shell-words.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { freePort } from '../e2e/service.ts'
import { OfflineNpm } from './offline-npm.ts'

const root = join(import.meta.dirname, '../..')
const { devDependencies: versions } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const template = join(root, 'infra/tools/create/template')
const npm = new OfflineNpm()
const packages = join(npm.folder, 'packages')
const empty = join(npm.folder, 'empty')
const application = join(npm.folder, 'application')
let tarball: string

beforeAll(async () => {
  await npm.run(`node --no-warnings infra/tools/pack/main.ts --no-install --output ${quoteForShell(packages)}`, root)
  const [file = ''] = globSync('cloud-automation-webhooks-*.tgz', { cwd: packages })
  tarball = join(packages, file)
  for (const folder of [empty, application]) mkdirSync(folder)
})
afterAll(() => npm.remove())

/** Starts the local runtime, and sends a silent call. */
async function call(folder: string, action: string, input: object): Promise<object> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await npm.start(`npx cloud-automation-webhooks start --port ${port}`, folder, { WEBHOOKS_DEMO: 'off' })
  const response = await fetch(`${url}/v1/${action}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ input }),
  })
  expect((await fetch(`${url}/console/main.js`)).status).toBe(200)
  const result = (await response.json()) as object
  await cancelInConsole(url)
  await npm.stop()
  return result
}

/** Cancels a call in the console, which starts a thread for it. */
async function cancelInConsole(url: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await response.json()) as Record<string, unknown>
  }
  const input = { target: 'clear-cache', parameters: { outcome: 'hang' } }
  const { taskId } = await post('/v1/remediation/run-runbook?mode=gate&key=hangs', { input })
  expect(await post(`/console/calls/${taskId}/cancel`, {})).toEqual({ status: 202, body: '' })
}

describe('The package in an empty folder', () => {
  beforeAll(() => npm.run(`npm install --no-audit --no-fund ${quoteForShell(tarball)}`, empty))

  it('starts, answers a silent call, and cancels a call in its console', async () => {
    const result = await call(empty, 'issue-ticketing/open-issue', { title: 'Checkout is slow' })
    expect(result).toMatchObject({ status: 'succeeded', message: 'Opened issue 1' })
    expect(existsSync(join(empty, '.webhooks'))).toBe(true)
  })

  it('installs no tools for builds and tests', () => {
    const tools = 'esbuild typescript jest @biomejs/biome aws-cdk-lib aws-cdk node expect preact'.split(' ')
    expect(tools.filter((tool) => existsSync(join(empty, 'node_modules', tool)))).toEqual([])
  })

  it('contains no TypeScript except templates, and no workplace of the build', () => {
    const folder = join(empty, 'node_modules/cloud-automation-webhooks')
    const sources = globSync('**/*.{ts,tsx}', { cwd: folder }).filter((path) => !path.endsWith('.d.ts'))
    expect(sources.filter((path) => !path.startsWith('test/templates/'))).toEqual([])
    const texts = globSync('**/*.{js,mjs,json,d.ts}', { cwd: folder })
    expect(texts.filter((path) => readFileSync(join(folder, path), 'utf8').includes(root))).toEqual([])
  })

  it('contains the schemas of files that users write', () => {
    const schemas = globSync('docs/*', { cwd: join(empty, 'node_modules/cloud-automation-webhooks') })
    expect(schemas.sort()).toEqual(['docs/events.schema.json', 'docs/policy.schema.json'])
  })

  it('refuses an old version of Node.js', () => {
    const pretend = 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "22.1.0" })'
    const bin = join(empty, 'node_modules/cloud-automation-webhooks/bin.mjs')
    const { status, stderr } = spawnSync(process.execPath, ['--import', pretend, bin], { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^cloud-automation-webhooks needs Node.js 24 or later/)
  })

  it('refuses to extend the folder, and says how to create an application', async () => {
    await expect(npm.run('npx cloud-automation-webhooks new-provider ci-cd acme', empty)).rejects.toThrow(
      'This folder contains no application. Create one: npm create cloud-automation-webhooks my-webhooks',
    )
  })

  it('names the package that the constructs need', async () => {
    const script = `node --input-type=module -e "import 'cloud-automation-webhooks/cdk'"`
    await expect(npm.run(script, empty)).rejects.toThrow(
      'The package aws-cdk-lib is missing. Install it: npm install --save-dev aws-cdk-lib',
    )
  })

  it('names the package that own categories need', async () => {
    cpSync(join(template, 'functions'), join(empty, 'functions'), { recursive: true })
    await expect(npm.run('npx cloud-automation-webhooks build', empty)).rejects.toThrow(
      'The package esbuild is missing. Install it: npm install --save-dev esbuild',
    )
  })
})

describe('An application', () => {
  const cli = (args: string) => npm.run(`npx cloud-automation-webhooks ${args}`, application)

  beforeAll(async () => {
    cpSync(template, application, { recursive: true })
    // npm finds the version of this project. It would ask the registry about a package that is named in the command.
    await npm.run(`npm pkg set devDependencies.fast-check=${versions['fast-check']}`, application)
    await npm.run(`npm install --no-audit --no-fund --save-dev ${quoteForShell(tarball)}`, application)
    for (const kind of templateKinds) await cli(`new-category new-${kind}s --kind ${kind} --provider acme-${kind}`)
    await cli('new-provider notification pigeon')
    await cli('new-provider issue-ticketing acme-desk')
    await cli('new-orchestrator acme-flows')
  })

  it('gets providers, categories and orchestrators that compile and pass their tests', async () => {
    await npm.run('npx tsc', application)
    const output = await npm.run('npm test', application)
    expect(output).toMatch(/^ℹ fail 0$/m)
    for (const suite of [...templateKinds.map((kind) => `acme-${kind}`), 'pigeon', 'acme-desk', 'acme-flows'])
      expect(globSync(`test/**/${suite}.test.ts`, { cwd: application })).toHaveLength(1)
  })

  it('has bundles that load two files at start, without the other categories', async () => {
    await cli('build')
    const bundle = join(application, 'dist/issue-ticketing')
    const require = createRequire(join(bundle, 'package.json'))
    require(join(bundle, `${webhookBundle}.js`))
    expect(Object.keys(require.cache).filter((path) => path.startsWith(bundle))).toHaveLength(2)
    const names = globSync('*.js', { cwd: bundle }).map((file) => file.replace(/-[A-Z0-9]{8}\.js$/, ''))
    expect(names).toEqual(expect.arrayContaining(['acme-desk', 'acme-flows', 'github']))
    expect(names).not.toContain('jenkins')
  })

  it('answers a call of its own category', async () => {
    const result = await call(application, 'new-tickets/open-ticket', { title: 'Checkout is slow' })
    expect(result).toMatchObject({ status: 'succeeded', message: expect.stringContaining('Opened') })
  })
})
