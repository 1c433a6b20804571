import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { licensesFile } from '../../infra/build/files.ts'
import { quoteForShell } from '../../infra/project/shell-words.ts'
import { freePort } from '../e2e/service.ts'
import { OfflineNpm } from './offline-npm.ts'

const root = join(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const npm = new OfflineNpm()
const { folder } = npm
const application = join(folder, 'my-webhooks')
/** Takes the place of the checkout, in which the commands of docs/application.md are run. */
const checkout = join(folder, 'checkout')
const packages = join(checkout, 'dist.npm')

beforeAll(async () => {
  mkdirSync(checkout)
  await run(`${packCommand} -- --no-install --output ${quoteForShell(packages)}`, root)
})
afterAll(() => npm.remove())

/** Packs the package with another version, and returns the tarball. */
function packNext(version: string): string {
  const packed = join(packages, 'package')
  const file = join(packed, 'package.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version }))
  const command = ['pack', '--silent', '--pack-destination', folder]
  return join(folder, execFileSync('npm', command, { cwd: packed, encoding: 'utf8' }).trim())
}

const run = (command: string, cwd = application, env?: Record<string, string>) => npm.run(command, cwd, env)

const commandsIn = (text: string) => [...text.matchAll(/^ {4}(.+)$/gm)].map(([, line = '']) => line)
const page = readFileSync(join(root, 'docs/application.md'), 'utf8')
const [packCommand = '', createCommand = '', startCommand = '', synthCommand = ''] = commandsIn(page)

/** Starts the application, calls its own provider as the README shows, and synthesizes it. */
async function useApplication(): Promise<void> {
  const url = `http://127.0.0.1:${await freePort()}`
  const env = { WEBHOOKS_PORT: new URL(url).port, WEBHOOKS_URL: url, WEBHOOKS_DEMO: 'off' }
  await npm.start(startCommand, checkout, env)
  const outputs = []
  const readme = readFileSync(join(application, 'README.md'), 'utf8')
  for (const command of commandsIn(readme).filter((line) => line.includes('npx cloud-automation-webhooks')))
    outputs.push(await run(command.replaceAll('http://127.0.0.1:8787', url), application, env))
  expect(outputs).toEqual([
    expect.stringContaining('Connection test passed'),
    expect.stringContaining('"message": "Opened ticket T-'),
    expect.stringContaining('incident passed'),
  ])
  await npm.stop()
  rmSync(join(application, 'cdk.out'), { recursive: true, force: true })
  await run(synthCommand)
  expect(readdirSync(join(application, 'cdk.out'))).toContain('CloudAutomationWebhooks.template.json')
}

describe('the package', () => {
  const packed = join(packages, 'package')
  const read = (path: string) => JSON.parse(readFileSync(join(packed, path), 'utf8'))

  it('lists its dependencies in a bill of materials', () => {
    const { components } = read('sbom.cdx.json')
    const names = components.map(({ name, version }: Record<string, string>) => `${name}@${version}`)
    const dependencies = Object.entries(read('package.json').dependencies).map((entry) => entry.join('@'))
    expect(dependencies.length).toBeGreaterThan(5)
    expect(names).toEqual(expect.arrayContaining(dependencies))
  })

  it('contains the licenses of each bundle', () => {
    const bundles = readdirSync(join(packed, 'dist'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(bundles.length).toBeGreaterThan(10)
    for (const { name } of bundles) expect(readdirSync(join(packed, 'dist', name))).toContain(licensesFile)
  })
})

describe('The commands of docs/application.md', () => {
  it('write an application that starts, calls its own provider and synthesizes', async () => {
    expect(await run(createCommand, checkout)).toContain('Next:\n  cd ../my-webhooks\n  npm start\n  npm run synth\n')
    await useApplication()
  })
})

describe('npm create cloud-automation-webhooks', () => {
  it('writes an application', async () => {
    const tarball = join(packages, `create-cloud-automation-webhooks-${version}.tgz`)
    // This is what npm create does.
    const exec = `npm exec --yes --package=${quoteForShell(tarball)} -- create-cloud-automation-webhooks`
    expect(await run(`${exec} other --no-install`, folder)).toContain('Next:\n  cd other\n  npm install\n')
  })

  it('writes an application whose tests pass and whose types are right', async () => {
    expect(await run('npm test')).toMatch(/^ℹ fail 0$/m)
    await run('npm run types')
  })

  it('writes an application that works unchanged with the next version', async () => {
    await run(`npm install ${quoteForShell(packNext('9.9.9'))}`)
    const installed = join(application, 'node_modules/cloud-automation-webhooks/package.json')
    expect(JSON.parse(readFileSync(installed, 'utf8')).version).toBe('9.9.9')
    await useApplication()
  })
})

it('The serverless pattern in examples/ synthesizes with the package', async () => {
  const pattern = join(folder, 'pattern')
  cpSync(join(root, 'examples/lambda-durable-approval-cdk'), pattern, { recursive: true })
  await run(`npm install ${quoteForShell(join(packages, `cloud-automation-webhooks-${version}.tgz`))}`, pattern)
  await run('npm run synth', pattern)
  expect(readdirSync(join(pattern, 'cdk.out'))).toContain('DurableApproval.template.json')
})
