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

/** Runs `npm audit` with a registry that returns this response for advisories. */
async function printedOf(status: number, body: unknown): Promise<string> {
  const registry = createServer((req, res) => {
    const isAudit = req.url?.endsWith('/advisories/bulk')
    res.writeHead(isAudit ? status : 404, { 'content-type': 'application/json' })
    res.end(JSON.stringify(isAudit ? body : {}))
  })
  registry.listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const cache = mkdtempSync(join(tmpdir(), 'webhooks-audit-'))
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`
  const npm = spawn('npm', ['audit', '--json', '--loglevel=silent', '--registry', url], {
    cwd: root,
    // npm must not cache the response.
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

test.each(['high', 'critical'])('reports an advisory with severity %s and fails', async (severity) => {
  const { text, result } = readAudit(await printedOf(200, advisory(severity)))
  expect(result).toBe('failed')
  expect(text).toContain(`${severity.padEnd(8)} fastest-levenshtein: It is slow https://example.com/1`)
})

test('fails for a development dependency', async () => {
  const audit = readAudit(await printedOf(200, advisory('high', 'esbuild')))
  expect(audit).toMatchObject({ result: 'failed', text: expect.stringContaining('high     esbuild: It is slow') })
})

test('reports a less severe advisory and passes', async () => {
  const lesser = readAudit(await printedOf(200, advisory('moderate')))
  expect(lesser).toMatchObject({ result: 'passed', text: expect.stringContaining('moderate') })
  expect(readAudit(await printedOf(200, {}))).toMatchObject({
    result: 'passed',
    text: expect.stringContaining(', 0 with'),
  })
})

test('distinguishes a registry without advisories from a failing one', async () => {
  const none = readAudit(await printedOf(405, {}))
  expect(none).toMatchObject({
    result: 'unavailable',
    text: expect.stringContaining('Not audited: the registry has no advisories (405'),
  })
  expect(readAudit(await printedOf(400, { error: 'no' }))).toMatchObject({ result: 'failed' })
  expect(readAudit('npm error')).toEqual({ result: 'failed', text: 'The audit failed: npm error' })
})

test('CI distinguishes "not audited" from a pass and a failure by the exit code', () => {
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(/^npm run audit \|\| \[ \$\? -eq 2 \]$/m)
})
