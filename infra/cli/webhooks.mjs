#!/usr/bin/env node
// Starts the CLI with a version of Node that runs it, and installs what is missing first.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { installPackages, nodeIn } from '../project/install.mjs'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
// Halves the time of a command: the next one reads stripped and compiled sources from disk.
const cache = fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url))
const project = fileURLToPath(new URL('../../', import.meta.url))
await installPackages(project, { needsTools: false })
const { status, error } = spawnSync(nodeIn(project), ['--no-warnings', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: cache, ...process.env },
})
if (error) console.error(`webhooks: ${error.message}. Run npm ci in the project.`)
process.exit(status ?? 1)
