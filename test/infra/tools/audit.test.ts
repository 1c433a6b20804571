import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { closeServer, listen } from '../../../infra/local/port.ts'
import { readAudit, readSignatures } from '../../../infra/tools/audit.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { waitForAll } from '../../wait-for-all.ts'

const root = join(import.meta.dirname, '../../..')

/** Runs `npm audit` with a registry that returns this response for advisories. */
async function printedOf(status: number, body: unknown): Promise<string> {
  const cache = temporaryFolder()
  const registry = createServer((req, res) => {
    const isAudit = req.url?.endsWith('/advisories/bulk')
    res.writeHead(isAudit ? status : 404, { 'content-type': 'application/json' })
    res.end(JSON.stringify(isAudit ? body : {}))
  })
  const url = await listen(registry, 0)
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
  await closeServer(registry)
  return printed
}

/** Returns the response of the registry for packages with an advisory each. */
function advisories(severities: Record<string, string>) {
  const advisory = {
    id: 1,
    title: 'It is slow',
    url: 'https://example.com/1',
    vulnerable_versions: '*',
    cwe: [],
    cvss: {},
  }
  return Object.fromEntries(Object.entries(severities).map(([name, severity]) => [name, [{ ...advisory, severity }]]))
}
const severe = { 'fastest-levenshtein': 'critical', esbuild: 'high' }
const [printed, unsupported, failed] = await waitForAll([
  printedOf(200, advisories({ ...severe, commander: 'moderate' })),
  printedOf(405, {}),
  printedOf(400, { error: 'no' }),
])

test('reports each advisory, and fails for severe ones, of development dependencies too', () => {
  const { text, result } = readAudit(printed)
  expect(result).toBe('failed')
  for (const line of ['critical fastest-levenshtein', 'high     esbuild', 'moderate commander'])
    expect(text).toContain(`${line}: It is slow https://example.com/1`)
})

test('reports a less severe advisory and passes', () => {
  const moderate = printed.replaceAll(/"(high|critical)"/g, '"moderate"')
  expect(readAudit(moderate)).toMatchObject({ result: 'passed', text: expect.stringContaining('moderate') })
  for (const severity of ['high', 'critical'])
    expect(readAudit(moderate.replaceAll('"moderate"', `"${severity}"`))).toMatchObject({ result: 'failed' })
  const none = JSON.stringify({ ...JSON.parse(printed), vulnerabilities: {} })
  expect(readAudit(none)).toMatchObject({ result: 'passed', text: expect.stringContaining(', 0 with') })
})

test('distinguishes a registry without advisories from a failing one', () => {
  const text = expect.stringContaining('Not audited: the registry has no advisories (405')
  expect(readAudit(unsupported)).toMatchObject({ result: 'unavailable', text })
  expect(readAudit(failed)).toMatchObject({ result: 'failed' })
  expect(readAudit('npm error')).toEqual({ result: 'failed', text: 'The audit failed: npm error' })
})

test('reports packages whose signature is invalid or missing, and fails', () => {
  const one = { name: 'esbuild', version: '0.28.0', registry: 'https://registry.npmjs.org/' }
  const { text, result } = readSignatures(JSON.stringify({ invalid: [one], missing: [{ ...one, name: 'yaml' }] }))
  expect([result, text]).toEqual([
    'failed',
    expect.stringMatching(/invalid {2}esbuild@0.28.0\n {2}missing {2}yaml@0.28.0$/),
  ])
  expect(readSignatures('{"invalid": [], "missing": []}')).toMatchObject({ result: 'passed' })
})

test.each([
  ['unavailable', { code: 'ENOTFOUND', summary: 'request to https://tuf-repo-cdn.sigstore.dev/15.root.json failed' }],
  [
    'unavailable',
    { code: '', summary: 'found no dependencies to audit that were installed from a supported registry' },
  ],
  ['failed', { code: 'EUSAGE', summary: 'unknown' }],
] as const)('distinguishes a registry without signatures from a failure: %s %j', (result, error) => {
  expect(readSignatures(JSON.stringify({ error }))).toMatchObject({
    result,
    text: expect.stringContaining(error.summary),
  })
})

test('CI distinguishes "not audited" from a pass and a failure by the exit code', () => {
  expect(readFileSync(join(root, '.ci/run'), 'utf8')).toMatch(/^ {2}npm run audit \|\| \[ \$\? -eq 2 \]$/m)
})
