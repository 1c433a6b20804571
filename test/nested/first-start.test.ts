import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { freePort } from '../e2e/service.ts'
import { copyOfProject } from '../infra/cli/copy.ts'
import { OfflineNpm } from './offline-npm.ts'

const npm = new OfflineNpm()
const copy = copyOfProject({ hasTools: false })
afterAll(async () => {
  await npm.remove()
  copy.remove()
})

it('npm start builds and runs the sandbox and its console with few packages, without Git and without a home', async () => {
  expect(existsSync(join(copy.folder, 'node_modules/typescript'))).toBe(false)
  const port = await freePort()
  const cache = join(npm.folder, 'cache')
  const env = { HOME: '/dev/null/home', npm_config_cache: cache, WEBHOOKS_PORT: String(port) }
  const said = await npm.start('npm start', copy.folder, env)
  expect(said).toContain('The sequence passed.')
  expect(said).not.toMatch(/Installing|ExperimentalWarning/)
  expect((await fetch(`http://127.0.0.1:${port}/console/main.js`)).status).toBe(200)
  // As an installation of the other packages does.
  rmSync(join(copy.folder, 'node_modules/.cache'), { recursive: true })
  const opened = await fetch(`http://127.0.0.1:${port}/v1/issue-ticketing/open-issue`, {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ input: { title: 'Checkout is slow' } }),
  })
  expect(await opened.json()).toMatchObject({ status: 'succeeded' })
  expect(await npm.run('npx webhooks tasks', copy.folder, env)).toContain('incident-management')
  expect(await npm.run('npx webhooks doctor', copy.folder, env)).toContain('up to date')
})
