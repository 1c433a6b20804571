// `node infra/tools/run.mjs <file> [arguments]`: runs a file on the Node.js version that package.json pins, and installs
// the dependencies first if they are missing or outdated. Works on every Node.js version in "engines".
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import * as module from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installPackages } from '../project/install.mjs'

const PINNED_NODE = resolve('node_modules/node/bin/node')

await installPackages('.')
const [, , file, ...args] = process.argv
const { version } = JSON.parse(readFileSync('node_modules/node/package.json', 'utf8'))
if (process.versions.node === version) {
  // Halves the time of a command: the next one reads stripped and compiled sources from disk.
  module.enableCompileCache?.(resolve('node_modules/.cache/node'))
  process.argv = [process.execPath, resolve(file), ...args]
  await import(pathToFileURL(resolve(file)).href)
} else {
  // A shell keeps using the Node.js that it found first, even after the installation.
  process.exit(await runOnPinnedNode())
}

async function runOnPinnedNode() {
  const child = spawn(PINNED_NODE, [...process.execArgv, file, ...args], { stdio: 'inherit' })
  // Ctrl-C reaches both processes. The child decides when to stop.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [status] = await once(child, 'exit')
  return status ?? 1
}
