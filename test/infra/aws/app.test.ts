import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { runInProcess } from '../../runner/in-process.ts'
import { root } from './synthesize.ts'

const bin = join(root, 'node_modules/.bin')
const scratch = mkdtempSync(join(tmpdir(), 'webhooks-home-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** Runs `cdk` without account, home and network. */
function cdk(...words: string[]) {
  const home = mkdtempSync(join(scratch, 'home-'))
  const { NODE_COMPILE_CACHE: cache } = process.env
  const nowhere = 'http://127.0.0.1:9'
  const startedAt = performance.now()
  const { status, stdout, stderr } = spawnSync(join(bin, 'cdk'), [...words, '--output', join(home, 'cdk.out')], {
    cwd: root,
    encoding: 'utf8',
    env: {
      PATH: `${bin}:/usr/bin:/bin`,
      HOME: home,
      HTTPS_PROXY: nowhere,
      HTTP_PROXY: nowhere,
      CI: 'true',
      NODE_COMPILE_CACHE: cache,
      // nag.test.ts validates the template.
      CDK_VALIDATION: 'false',
    },
  })
  return {
    status,
    output: stdout + stderr,
    out: join(home, 'cdk.out'),
    seconds: (performance.now() - startedAt) / 1_000,
  }
}

describe('cdk synth', () => {
  it('needs no account and no network, and prints nothing', () => {
    const { status, output, out, seconds } = cdk('synth', '--quiet')
    process.stdout.write(`cdk synth took ${seconds.toFixed(1)} s\n`)
    expect({ status, output }).toEqual({ status: 0, output: '' })
    expect(existsSync(join(out, 'CloudAutomationWebhooks.template.json'))).toBe(true)
  })

  it('prints an error in cdk.json without a stack trace', async () => {
    const env = { CDK_CONTEXT_JSON: JSON.stringify({ webhooks: 'on' }) }
    expect(await runInProcess(join(root, 'infra/aws/app.ts'), [], { env })).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(
        /^Invalid settings in cdk\.json \(context\.webhooks\):\n {2}- webhooks: must be an object(?!.*\n +at )/s,
      ),
    })
  })
})
