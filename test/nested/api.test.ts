import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'

const root = join(import.meta.dirname, '../..')

it('the reports in docs/api describe the public API. Otherwise, run npm run api and add a changeset', () => {
  const check = spawnSync(process.execPath, ['--no-warnings', 'infra/tools/release/api/main.ts', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect({ status: check.status, stdout: check.stdout, stderr: check.stderr }).toMatchObject({
    status: 0,
    stdout: 'The API report is up to date\n',
  })
})
