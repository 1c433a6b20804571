import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { freePort, until } from '../../e2e/service.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const root = join(import.meta.dirname, '../../..')
const folder = temporaryFolder()

it('The Dockerfile copies files that exist, runs without root, and has the port that serve.mjs forwards', () => {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const copied = [...text.matchAll(/^COPY ([\w./]+) /gm)].map(([, path = '']) => path)
  expect(copied).toContain('infra/tools/container/serve.mjs')
  expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([])
  expect(text.lastIndexOf('\nUSER node\n')).toBeGreaterThan(text.lastIndexOf('\nFROM '))
  const [, node = ''] = /^FROM node:(\d+)-slim$/m.exec(text) ?? []
  expect(readFileSync(join(root, '.nvmrc'), 'utf8')).toMatch(new RegExp(`^${node}\\.`))
  expect(text).toContain('\nEXPOSE 8788\n')
  expect(readFileSync(join(root, 'docs/console.md'), 'utf8')).toContain('-p 127.0.0.1:8787:8788')
  expect(readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')).toEqual(
    expect.arrayContaining(['**/node_modules', '.git', '.webhooks']),
  )
})

it('serve.mjs forwards connections to the runtime, and ends with it', async () => {
  const bin = join(folder, 'node_modules/cloud-automation-webhooks')
  mkdirSync(bin, { recursive: true })
  writeFileSync(
    join(bin, 'bin.mjs'),
    `import { createServer } from 'node:http'
createServer(({ headers }, res) => res.end(process.argv[2] + ' ' + headers.host)).listen(process.env.WEBHOOKS_PORT, '127.0.0.1')
process.on('SIGTERM', () => process.exit(7))
`,
  )
  const port = await freePort()
  const child = spawn(process.execPath, [join(root, 'infra/tools/container/serve.mjs')], {
    cwd: folder,
    env: { ...process.env, WEBHOOKS_PORT: String(port) },
  })
  const get = async () => (await fetch(`http://127.0.0.1:${port + 1}/`)).text()
  await until(
    () => get().then(Boolean, () => false),
    60,
    () => 'The container does not listen',
  )
  expect(await get()).toBe(`start 127.0.0.1:${port + 1}`)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([7, null])
})
