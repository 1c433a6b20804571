import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { closeServer, listen } from '../../../infra/local/port.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { fixtureServer } from './fixture-server.ts'
import { installPrograms, programs } from './programs.ts'

const suite = join(programs, 'node_modules/@modelcontextprotocol/conformance/dist/index.js')
const baseline = join(import.meta.dirname, 'expected-failures.yml')
/** The scenarios of the handshake that need no prompts, resources and streams. */
const HANDSHAKE = [
  'server-initialize',
  'ping',
  'tools-list',
  'tools-call-simple-text',
  'tools-call-error',
  'dns-rebinding-protection',
]
const UNCOUNTED = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-request-headers',
  'tasks-required-task-error',
  'http-header-validation',
  'http-custom-header-server-validation',
]

const results = temporaryFolder()
let url: string
beforeAll(async () => {
  await installPrograms()
  url = `${await listen(fixtureServer, 0)}/v1/mcp`
})
afterAll(() => closeServer(fixtureServer))

/** Runs the conformance suite, and returns what it printed. */
async function conform(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [suite, 'server', '--url', url, ...args], {
    // It writes its results there.
    cwd: results,
    env: { NO_COLOR: '1', PATH: process.env['PATH'] },
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`The suite exited with ${code}:\n${printed.slice(-8_000)}`)
  return printed
}

describe('The protocol of agents', () => {
  test('conforms to 2026-07-28 and its extension for tasks, except for expected-failures.yml', async () => {
    const printed = await conform('--requirements', '2026-07-28', '--expected-failures', baseline)
    // The suite runs these, but does not count them.
    for (const scenario of UNCOUNTED) expect(printed).toMatch(new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`))
  })

  test.each(HANDSHAKE)('conforms to 2025-11-25: %s', async (scenario) => {
    expect(await conform('--scenario', scenario, '--spec-version', '2025-11-25')).toMatch(/[1-9]\d*, 0 failed/)
  })
})
