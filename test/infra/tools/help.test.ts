import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { runInProcess } from '../../runner/in-process.ts'

const root = join(import.meta.dirname, '../../..')

test.each([
  ['npm run build', 'infra/build/main.ts'],
  ['npm run check', 'infra/tools/check.ts'],
  ['npm run commits', 'infra/tools/commit-subjects.ts'],
  ['npm run fix', 'infra/tools/fix.ts'],
  ['npm run audit', 'infra/tools/audit.ts'],
  ['npm run docs', 'infra/tools/docs/main.ts'],
  ['npm run api', 'infra/tools/release/api/main.ts'],
  ['npm run changeset', 'infra/tools/release/changeset.ts'],
  ['npm run release:template', 'infra/tools/release/template/main.ts'],
  ['npm run release:version', 'infra/tools/release/version.ts'],
  ['npm run docs:site', 'infra/tools/release/site/main.ts'],
  ['npm run words', 'infra/tools/words/main.ts'],
  ['npm run screenshots', 'infra/local/console/screenshots.ts'],
  ['npm run demo:picture', 'infra/tools/picture/main.ts'],
  ['npm run destroy', 'infra/aws/destroy.ts'],
  ['npm start', 'infra/cli/start.ts'],
  ['npm run test:contracts', 'test/contract/run.ts'],
  ['npm run test:real', 'test/real/run.ts'],
  ['npm run test:stalled', 'test/runner/stalled.ts'],
  ['npm run bench', 'test/bench/run.ts'],
  ['npm run prove', 'test/prove/run.ts'],
  ['npm run fuzz', 'test/fuzz/run.ts'],
  ['npm run example', 'test/examples/run.ts'],
])('%s --help only prints the help text', async (command, file) => {
  const { code, out, err } = await runInProcess(join(root, file), ['--help'], { env: process.env })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out.startsWith(command)).toBe(true)
})
