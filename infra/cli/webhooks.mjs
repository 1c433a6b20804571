#!/usr/bin/env node
// Starts the CLI with the version of Node that the package pins, and installs it first if it is missing.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { installPackages } from '../project/install.mjs'

const node = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url))
const main = fileURLToPath(new URL('main.ts', import.meta.url))
// Halves the time of a command: the next one reads stripped and compiled sources from disk.
const cache = fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url))
if (!existsSync(node)) await installPackages(fileURLToPath(new URL('../../', import.meta.url)))
const { status, error } = spawnSync(node, [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: cache, ...process.env },
})
if (error) console.error(`webhooks: ${error.message}. Run npm ci in the project.`)
process.exit(status ?? 1)
