import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
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
  const npm = spawn('npm', ['audit', '--omit=dev', '--json', '--loglevel=silent', '--registry', url], {
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

const advisory = (severity: string) => ({
  'fastest-levenshtein': [
    { id: 1, severity, title: 'It is slow', url: 'https://example.com/1', vulnerable_versions: '*', cwe: [], cvss: {} },
  ],
})

test.each(['high', 'critical'])('an advisory that is %s fails, and is told', async (severity) => {
  const { text, failed } = readAudit(await printedOf(200, advisory(severity)))
  expect(failed).toBe(true)
  expect(text).toContain(`${severity.padEnd(8)} fastest-levenshtein: It is slow https://example.com/1`)
})

test('a lesser one is told, and one of what is not shipped is not asked for', async () => {
  const lesser = readAudit(await printedOf(200, advisory('moderate')))
  expect(lesser).toMatchObject({ failed: false, text: expect.stringContaining('moderate') })
  expect(readAudit(await printedOf(200, {}))).toMatchObject({
    failed: false,
    text: expect.stringContaining(', 0 with'),
  })
})

test('a registry that has no audits is no failure, and is told; one that fails is', async () => {
  const none = readAudit(await printedOf(405, {}))
  expect(none).toMatchObject({ failed: false, text: expect.stringContaining('The registry offers no audits (405') })
  expect(readAudit(await printedOf(400, { error: 'no' }))).toMatchObject({ failed: true })
  expect(readAudit('npm error')).toEqual({ failed: true, text: 'Nothing could be audited: npm error' })
})
