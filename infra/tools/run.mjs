// `node infra/tools/run.mjs [--no-tools] <file> [arguments]`: runs a file on the Node.js version that package.json pins, and installs
// the dependencies first if they are missing or outdated. With --no-tools, it installs only what runs and builds the sandbox, and a
// recent Node.js runs the file itself. Works on every Node.js version in "engines".
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as module from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installPackages, nodeIn } from '../project/install.mjs'

const NO_TOOLS = '--no-tools'

const needsTools = process.argv[2] !== NO_TOOLS
const [file, ...args] = process.argv.slice(needsTools ? 2 : 3)
await installPackages('.', { needsTools })
const node = nodeIn('.')
if (node === process.execPath) {
  // Halves the time of a command: the next one reads stripped and compiled sources from disk.
  module.enableCompileCache?.(resolve('node_modules/.cache/node'))
  process.argv = [process.execPath, resolve(file), ...args]
  await import(pathToFileURL(resolve(file)).href)
} else {
  // A shell keeps using the Node.js that it found first, even after the installation.
  process.exit(await runOnPinnedNode(resolve(node)))
}

async function runOnPinnedNode(path) {
  const child = spawn(path, [...process.execArgv, file, ...args], { stdio: 'inherit' })
  // Ctrl-C reaches both processes. The child decides when to stop.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [status] = await once(child, 'exit')
  return status ?? 1
}
