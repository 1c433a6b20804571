import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { readAudit } from '../../infra/audit.ts'

const root = join(import.meta.dirname, '../..')

/** What npm prints of a registry that answers its question like that. */
async function printedOf(status: number, body: unknown): Promise<string> {
  const registry = createServer((req, res) => {
    const asked = req.url?.endsWith('/advisories/bulk')
    res.writeHead(asked ? status : 404, { 'content-type': 'application/json' })
    res.end(JSON.stringify(asked ? body : {}))
  })
  registry.listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const cache = mkdtempSync(join(tmpdir(), 'webhooks-audit-'))
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`
  const npm = spawn('npm', ['audit', '--json', '--loglevel=silent', '--registry', url], {
    cwd: root,
    // What it was told here must not be remembered.
    env: { ...process.env, npm_config_cache: cache },
  })
  let printed = ''
  npm.stdout.on('data', (chunk) => {
    printed += chunk
  })
  await once(npm, 'close')
  registry.close()
  rmSync(cache, { recursive: true, force: true })
  return printed
}

const advisory = (severity: string, name = 'fastest-levenshtein') => ({
  [name]: [
    { id: 1, severity, title: 'It is slow', url: 'https://example.com/1', vulnerable_versions: '*', cwe: [], cvss: {} },
  ],
})

test.each(['high', 'critical'])('an advisory that is %s fails, and is told', async (severity) => {
  const { text, result } = readAudit(await printedOf(200, advisory(severity)))
  expect(result).toBe('failed')
  expect(text).toContain(`${severity.padEnd(8)} fastest-levenshtein: It is slow https://example.com/1`)
})

test('a grave advisory of a dependency for development fails too, since it runs with credentials of the deployer', async () => {
  const audit = readAudit(await printedOf(200, advisory('high', 'esbuild')))
  expect(audit).toMatchObject({ result: 'failed', text: expect.stringContaining('high     esbuild: It is slow') })
})

test('a lesser advisory is reported and passes', async () => {
  const lesser = readAudit(await printedOf(200, advisory('moderate')))
  expect(lesser).toMatchObject({ result: 'passed', text: expect.stringContaining('moderate') })
  expect(readAudit(await printedOf(200, {}))).toMatchObject({
    result: 'passed',
    text: expect.stringContaining(', 0 with'),
  })
})

test('a registry without audits is not a pass; a registry that fails is a failure', async () => {
  const none = readAudit(await printedOf(405, {}))
  expect(none).toMatchObject({
    result: 'unavailable',
    text: expect.stringContaining('Not audited: the registry offers no audits (405'),
  })
  expect(readAudit(await printedOf(400, { error: 'no' }))).toMatchObject({ result: 'failed' })
  expect(readAudit('npm error')).toEqual({ result: 'failed', text: 'The audit failed: npm error' })
})

test('CI tells "not audited" from a pass and from a failure by the exit code', () => {
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(/^npm run audit \|\| \[ \$\? -eq 2 \]$/m)
})
