import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { finished } from './start.ts'

const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'
let state: string

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'sandbox-'))
})
afterEach(() => rmSync(state, { recursive: true }))

const post = (origin: string, path: string, body: unknown) =>
  fetch(`${origin}/sandbox${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${demo.githubToken}`,
      'x-token': demo.keptnToken,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  })

async function serve(): Promise<{ child: ChildProcess; origin: string }> {
  const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'serve.ts'), state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return { child, origin: `http://127.0.0.1:${String(line).trim()}` }
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

test('The sandbox keeps everything that it answered when it is killed', async () => {
  const first = await serve()
  expect((await post(first.origin, '/github/repos/acme/shop/issues', { title: 'Answered' })).status).toBe(201)
  expect((await post(first.origin, '/keptn/api/v1/event', finished(context))).status).toBe(200)
  await post(first.origin, '/faults', { target: 'github', kind: 'hang', after: true, count: 1 })
  const cut = post(first.origin, '/github/repos/acme/shop/issues', { title: 'Never answered' }).catch(() => 'cut')
  const isOpen = async () => (await fetch(`${first.origin}/sandbox/issues`)).text()
  while (!(await isOpen()).includes('Never answered')) await sleep(10)
  await kill(first.child)
  expect(await cut).toBe('cut')

  const second = await serve()
  expect((await post(second.origin, '/github/repos/acme/shop/issues', { title: 'After' })).status).toBe(201)
  const list = async (name: string) => (await fetch(`${second.origin}/sandbox/${name}`)).json()
  expect(await list('issues')).toMatchObject([
    { number: 1, title: 'Answered' },
    { number: 2, title: 'Never answered' },
    { number: 3, title: 'After' },
  ])
  expect(await list('events')).toMatchObject([{ via: 'api', event: { shkeptncontext: context } }])
  expect(await list('requests')).toMatchObject([
    { target: 'github', status: 201, fault: null },
    { target: 'keptn', status: 200, fault: null },
    { target: 'github', status: null, fault: 'hang' },
    { target: 'github', status: 201, fault: null },
  ])
  await kill(second.child)
})
