import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { tokenHash } from '../infra/local/credentials.ts'
import { Service } from './e2e/service.ts'
import { webhooks } from './infra/cli/webhooks.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, '.github/actions/webhook')
const token = 'token-of-a-pipeline'
const callers = { pipeline: { tokens: [tokenHash(token)], categories: ['remediation'] } }
const service = new Service({ timeScale: 20, secrets: { 'cloud-automation-webhooks/callers': callers } })
beforeAll(() => service.start())
afterAll(() => service.end())

const run = promisify(execFile)

/** Returns the exit code and the output of the script. */
async function wait(target: string, body: string, WEBHOOKS_TOKEN = token) {
  const env = { ...process.env, WEBHOOKS_URL: service.url, WEBHOOKS_TOKEN }
  const ended = run('sh', [join(folder, 'wait.sh'), target, body], { env })
  return ended.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}
const target = (key: string) => `remediation/run-runbook?mode=interactive&key=${key}`
const body = (parameters: object) => JSON.stringify({ input: { target: 'clear-cache', parameters } })

describe('The shell loop of docs/poll.md', () => {
  it('is the script of the composite action', () => {
    const page = readFileSync(join(root, 'docs/poll.md'), 'utf8')
    expect(page).toContain(`\`\`\`sh\n${readFileSync(join(folder, 'wait.sh'), 'utf8')}\`\`\``)
  })

  it('waits for the task and exits with 0 after a pass', async () => {
    const { code, stdout, stderr } = await wait(target('passes'), body({ seconds: 1 }))
    expect({ code, status: JSON.parse(stdout), stderr }).toMatchObject({
      code: 0,
      status: { verdict: 'pass', state: 'finished' },
      stderr: expect.stringMatching(/^pass/m),
    })
  })

  it('exits with 1 after a fail, and finds the same task again', async () => {
    const first = await wait(target('fails'), body({ seconds: 1, outcome: 'failure' }))
    expect([first.code, JSON.parse(first.stdout).verdict]).toEqual([1, 'fail'])
    expect((await wait(target('fails'), body({ seconds: 1, outcome: 'failure' }))).stdout).toBe(first.stdout)
  })

  it('exits with 2 and the problem if the call is refused', async () => {
    expect(await wait(target('refused'), body({}), 'wrong')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('The token is not valid'),
    })
  })
})

it('The composite action runs the script with its inputs', () => {
  const { inputs, runs } = parse(readFileSync(join(folder, 'action.yml'), 'utf8'))
  const [step] = runs.steps
  const used = [...JSON.stringify(step.env).matchAll(/inputs\.(\w+)/g)].map(([, name]) => name)
  expect(used.sort()).toEqual(Object.keys(inputs).sort())
  // Values in a script could inject code.
  expect(step.run).not.toContain('${{')
  expect(step.run).toContain('wait.sh')
})

it.each([
  ['pass', { seconds: 1 }, 0],
  ['fail', { seconds: 1, outcome: 'failure' }, 1],
])('webhooks wait exits with the verdict %s', async (verdict, parameters, code) => {
  const accepted = await service.call(`/v1/${target(`cli-${verdict}`)}`, body(parameters), {
    token,
    headers: { 'content-type': 'application/json' },
  })
  const ended = await webhooks(['wait', accepted.body.statusUrl, '--token', token])
  expect([ended.code, JSON.parse(ended.out).verdict]).toEqual([code, verdict])
})
