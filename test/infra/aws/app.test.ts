import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { runInProcess } from '../../runner/in-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { root } from './synthesize.ts'

const { app, context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'))
const out = temporaryFolder()

/** Runs the app as the CDK does. */
const synth = (more: object = {}) =>
  runInProcess(join(root, app.replace('node ', '')), [], {
    // nag.test.ts validates the template.
    env: { CDK_OUTDIR: out, CDK_VALIDATION: 'false', CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...more }) },
  })

it('the CDK app needs no account, asks AWS for nothing, and prints nothing', async () => {
  expect(await synth()).toEqual({ code: 0, out: '', err: '' })
  const { artifacts, missing } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'))
  expect(artifacts.CloudAutomationWebhooks.environment).toBe('aws://unknown-account/unknown-region')
  expect(missing).toBeUndefined()
})

it('the CDK app prints an error in cdk.json without a stack trace', async () => {
  expect(await synth({ webhooks: 'on' })).toEqual({
    code: 1,
    out: '',
    err: expect.stringMatching(
      /^Invalid settings in cdk\.json \(context\.webhooks\):\n {2}- webhooks: must be an object(?!.*\n +at )/s,
    ),
  })
})
