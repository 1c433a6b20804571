#!/usr/bin/env node
// `npm create cloud-automation-webhooks my-webhooks`: writes an application and installs its dependencies.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const MIN_NODE = 24
const MAX_NAME_LENGTH = 214
const TEMPLATE = join(import.meta.dirname, 'template')

const HELP = `npm create cloud-automation-webhooks <folder>: creates an application with webhooks for delivery and operations

Writes a provider with its test, a sequence and a CDK app, and installs the dependencies.

Options
  --no-install      do not run npm install
  --package <spec>  version or tarball of cloud-automation-webhooks (default: the version of this command)
  --help            print this text

Exit code: 0 created, 1 the installation failed, 2 invalid arguments, or the folder is not empty.

Example
  npm create cloud-automation-webhooks my-webhooks`

class UsageError extends Error {}

try {
  process.exitCode = main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

function main(): number {
  if (Number.parseInt(process.versions.node, 10) < MIN_NODE)
    throw new UsageError(`Node.js ${MIN_NODE} or later is required. This is ${process.versions.node}.`)
  const { help, folder, install, spec } = readArguments()
  if (help) {
    console.log(HELP)
    return 0
  }
  const target = resolve(folder)
  const name = basename(target)
  checkName(name)
  checkFolder(target, folder)
  writeApplication(target, name, spec)
  console.log(`Created ${name} in ${target}`)
  const isInstalled = install && npmInstall(target)
  const steps = [
    `cd ${quoteForShell(relative('', target) || '.')}`,
    ...(isInstalled ? [] : ['npm install']),
    'npm start',
    'npm run synth',
  ]
  console.log(`\nNext:\n${steps.map((step) => `  ${step}`).join('\n')}\n\nREADME.md describes the next steps.`)
  return install && !isInstalled ? 1 : 0
}

function readArguments() {
  const { values, positionals } = parse()
  const [folder = '', ...others] = positionals
  const { help = false, install = true, package: given = `^${ownVersion()}` } = values
  if (!help && (folder === '' || others.length > 0))
    throw new UsageError('Pass the name of one new folder: npm create cloud-automation-webhooks my-webhooks')
  // The application is in another folder.
  const spec = given.endsWith('.tgz') && existsSync(given) ? `file:${resolve(given)}` : given
  return { help, folder, install, spec }
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      allowNegative: true,
      options: { help: { type: 'boolean', short: 'h' }, install: { type: 'boolean' }, package: { type: 'string' } },
    })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

/** The package and this command are released together. */
function ownVersion(): string {
  return readJson(join(import.meta.dirname, 'package.json'))['version'] as string
}

/** @see https://docs.npmjs.com/cli/configuring-npm/package-json#name */
function checkName(name: string): void {
  if (name.length > MAX_NAME_LENGTH || !/^[a-z0-9][a-z0-9._~-]*$/.test(name))
    throw new UsageError(
      `"${name}" cannot be the name of a package. Use lowercase letters, digits and hyphens, such as my-webhooks.`,
    )
}

function checkFolder(target: string, given: string): void {
  if (!existsSync(target)) return
  if (!statSync(target).isDirectory() || readdirSync(target).length > 0)
    throw new UsageError(`${given} exists and is not an empty folder. Choose another name, or empty it.`)
}

function writeApplication(target: string, name: string, spec: string): void {
  mkdirSync(target, { recursive: true })
  cpSync(TEMPLATE, target, { recursive: true })
  // npm does not publish files with this name.
  renameSync(join(target, 'gitignore'), join(target, '.gitignore'))
  const file = join(target, 'package.json')
  const content = readJson(file)
  const dependencies = { 'cloud-automation-webhooks': spec }
  writeFileSync(file, `${JSON.stringify({ ...content, name, dependencies }, null, 2)}\n`)
  const readme = join(target, 'README.md')
  writeFileSync(readme, readFileSync(readme, 'utf8').replace('# my-webhooks', `# ${name}`))
}

/** Returns whether the installation succeeded. npm prints its errors. */
function npmInstall(target: string): boolean {
  console.log('Installing the dependencies with npm ...')
  // On Windows, npm is a script that needs a shell.
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund'], {
    cwd: target,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  return status === 0
}

/** Quotes a path for a shell, if necessary. */
function quoteForShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8'))
}
