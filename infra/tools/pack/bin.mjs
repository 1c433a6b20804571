#!/usr/bin/env node
// Starts the CLI of the package. Old versions of Node.js must be able to parse this file.
import * as module from 'node:module'

const MIN_NODE = 24

if (Number(process.versions.node.split('.')[0]) < MIN_NODE) {
  console.error(
    `cloud-automation-webhooks needs Node.js ${MIN_NODE} or later, and this is ${process.version}. Install it from https://nodejs.org`,
  )
  process.exitCode = 1
} else {
  // Halves the time of a command: the next one reads compiled sources from disk.
  module.enableCompileCache()
  await import('./infra/cli/main.js')
}
