// `node infra/run.mjs <file> [arguments]`: runs a file on the Node.js version that package.json pins, and installs
// the dependencies first if they are missing or outdated. Works on every Node.js version in "engines".
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import * as module from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** npm writes this copy of the lockfile last, so an interrupted installation leaves none. */
const INSTALLED_LOCKFILE = 'node_modules/.package-lock.json'
const PINNED_NODE = resolve('node_modules/node/bin/node')
const PROGRESS_INTERVAL_MS = 15_000

if (!isInstalled()) await install()
const [, , file, ...args] = process.argv
const { version } = readJson('node_modules/node/package.json')
if (process.versions.node === version) {
  // Halves the time of a command: the next one reads stripped and compiled sources from disk.
  module.enableCompileCache?.(resolve('node_modules/.cache/node'))
  process.argv = [process.execPath, resolve(file), ...args]
  await import(pathToFileURL(resolve(file)).href)
} else {
  // A shell keeps using the Node.js that it found first, even after the installation.
  process.exit(await runOnPinnedNode())
}

function isInstalled() {
  if (!existsSync(INSTALLED_LOCKFILE)) return false
  const installed = readJson(INSTALLED_LOCKFILE).packages
  return Object.entries(readJson('package-lock.json').packages).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}

async function install() {
  const count = Object.keys(readJson('package-lock.json').packages).length - 1
  // To stderr, because stdout belongs to the file.
  console.error(`Installing up to ${count} packages (npm ci), once. This usually takes one to three minutes ...`)
  const startedAt = Date.now()
  const progress = setInterval(() => {
    console.error(`Still installing after ${Math.round((Date.now() - startedAt) / 1000)} s ...`)
  }, PROGRESS_INTERVAL_MS)
  const npm = spawn('npm ci --no-audit --no-fund --loglevel=error', { stdio: ['inherit', 2, 'inherit'], shell: true })
  const [status] = await once(npm, 'exit')
  clearInterval(progress)
  if (status !== 0) process.exit(status ?? 1)
}

async function runOnPinnedNode() {
  const child = spawn(PINNED_NODE, [...process.execArgv, file, ...args], { stdio: 'inherit' })
  // Ctrl-C reaches both processes. The child decides when to stop.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [status] = await once(child, 'exit')
  return status ?? 1
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
