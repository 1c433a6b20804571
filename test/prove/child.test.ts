import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { dist } from '../../infra/build/files.ts'
import { freePort } from '../e2e/service.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { RuntimeProcess } from './child.ts'

const folder = temporaryFolder()

it('stays down after its end: callers no longer wait for it, and a late kill does not start it again', async () => {
  const options = { state: join(folder, 'state'), secretsFile: join(folder, 'secrets.json'), bundles: dist }
  writeFileSync(options.secretsFile, '{}')
  const runtime = new RuntimeProcess(
    { ...options, port: await freePort(), engineKey: 'key', timeScale: 1 },
    join(folder, 'runtime.log'),
    () => ({ accepted: {}, clock: { machine: 0, functions: 0 } }),
  )
  await runtime.start()
  expect((await fetch(`${runtime.url}/tasks`)).status).toBe(200)
  await runtime.end()
  await runtime.up()
  await runtime.kill()
  await runtime.start()
  await expect(fetch(`${runtime.url}/tasks`)).rejects.toThrow('fetch failed')
})
