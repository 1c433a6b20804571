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

/** Returns the response of the registry for packages with an advisory each. */
const advisories = (severities: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(severities).map(([name, severity]) => {
      const advisory = {
        title: 'It is slow',
        url: 'https://example.com/1',
        vulnerable_versions: '*',
        cwe: [],
        cvss: {},
      }
      return [name, [{ id: 1, severity, ...advisory }]]
    }),
  )
const moderate = { commander: 'moderate' }

test('reports each advisory, and fails for severe ones, of development dependencies too', async () => {
  const severe = { 'fastest-levenshtein': 'critical', esbuild: 'high' }
  const { text, result } = readAudit(await printedOf(200, advisories({ ...severe, ...moderate })))
  expect(result).toBe('failed')
  for (const line of ['critical fastest-levenshtein', 'high     esbuild', 'moderate commander'])
    expect(text).toContain(`${line}: It is slow https://example.com/1`)
})

test('reports a less severe advisory and passes', async () => {
  const printed = await printedOf(200, advisories(moderate))
  expect(readAudit(printed)).toMatchObject({ result: 'passed', text: expect.stringContaining('moderate') })
  for (const severity of ['high', 'critical'])
    expect(readAudit(printed.replaceAll('"moderate"', `"${severity}"`))).toMatchObject({ result: 'failed' })
  const none = JSON.stringify({ ...JSON.parse(printed), vulnerabilities: {} })
  expect(readAudit(none)).toMatchObject({ result: 'passed', text: expect.stringContaining(', 0 with') })
})

test('distinguishes a registry without advisories from a failing one', async () => {
  const text = expect.stringContaining('Not audited: the registry has no advisories (405')
  expect(readAudit(await printedOf(405, {}))).toMatchObject({ result: 'unavailable', text })
  expect(readAudit(await printedOf(400, { error: 'no' }))).toMatchObject({ result: 'failed' })
  expect(readAudit('npm error')).toEqual({ result: 'failed', text: 'The audit failed: npm error' })
})

test('CI distinguishes "not audited" from a pass and a failure by the exit code', () => {
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(/^npm run audit \|\| \[ \$\? -eq 2 \]$/m)
})
