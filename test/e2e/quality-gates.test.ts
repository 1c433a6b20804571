import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { requirePrinted, stepsOf } from '../documented-output.ts'
import { analyze } from '../examples/analysis.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service } from './service.ts'

const run = promisify(execFile)
const page = readFileSync(join(import.meta.dirname, '../../docs/gates.md'), 'utf8')
const HOST = 'https://webhooks.example.com'

/** Returns the block of code in a section. */
function blockOf(section: string, language: string): string {
  const [, text = ''] = page.split(`\n## ${section}\n`)
  const [, block] = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(text) ?? []
  if (block === undefined) throw new Error(`The section ${section} has no block of ${language}.`)
  return block
}

const folder = temporaryFolder()
const service = new Service()
beforeAll(() => service.start())
afterAll(() => service.end())

/** Sets the value of the SLO that the examples evaluate. Its target is 95 %. */
async function setSlo(value: string): Promise<void> {
  const body = new URLSearchParams({ slo: 'checkout', value })
  const { status } = await fetch(`${service.url}/sandbox/dynatrace/set`, { method: 'POST', body, redirect: 'manual' })
  expect(status).toBe(303)
}

describe('docs/gates.md', () => {
  it('has a loop that ends with the verdict, as the page shows', async () => {
    await setSlo('98.9')
    writeFileSync(join(folder, 'gate.sh'), blockOf('A shell loop', 'sh').replace('sleep 10', 'sleep 0.1'))
    for (const step of stepsOf('docs/gates.md')) {
      const command = step.command.replaceAll('http://127.0.0.1:8787', service.url)
      const { stdout } = await run('bash', ['-c', `${command} || true`], { cwd: folder })
      requirePrinted(step, stdout, (text) => text.split('\n').filter(Boolean))
    }
  })

  it.each([
    ['98.9', 'local-token', '{"slo":"checkout","timeframe":"5m"}', 0],
    ['96', 'local-token', '{"slo":"checkout","timeframe":"5m"}', 0],
    ['90', 'local-token', '{"slo":"checkout","timeframe":"5m"}', 1],
    ['', 'local-token', '{"slo":"checkout","timeframe":"5m"}', 1],
    ['98.9', 'local-token', '{"solo":"checkout"}', 2],
    ['98.9', 'wrong-token', '{"slo":"checkout","timeframe":"5m"}', 2],
  ])('has a loop whose exit code for an SLO of "%s", %s and %s is %i', async (value, token, input, code) => {
    await setSlo(value)
    const script = blockOf('A shell loop', 'sh').replace('sleep 10', 'sleep 0.1')
    const env = { ...process.env, WEBHOOKS_URL: service.url, WEBHOOKS_TOKEN: token }
    const key = `${value}-${token}-${input.length}`
    const ended = run('sh', ['-c', script, 'gate.sh', key, input], { cwd: folder, env })
    expect(await ended.then(() => 0).catch((error: { code: number }) => error.code)).toBe(code)
  })

  it.each([
    ['98.9', 'Successful'],
    ['90', 'Failed'],
  ])('has a metric of Argo Rollouts, which with an SLO of %s is %s', async (value, phase) => {
    await setSlo(value)
    const [metric] = parse(blockOf('Argo Rollouts', 'yaml').replace(HOST, service.url)).metrics
    const args = { token: demo.callerToken, cluster: 'eu-1', version: value.replace('.', '') }
    expect(await analyze(metric, args, fetch)).toBe(phase)
  })

  it.each([
    ['98.9', [200, 424]],
    ['90', [424, 200]],
  ])('has gates of Flagger to promote and to roll back, which with an SLO of %s end with %j', async (value, ends) => {
    await setSlo(value)
    const text = blockOf('Flagger', 'yaml').replaceAll(HOST, service.url).replace('<token>', demo.callerToken)
    const hooks: { url: string; metadata: object }[] = parse(text).webhooks
    const body = { name: 'checkout', namespace: 'production', phase: 'WaitingPromotion', checksum: value }
    const headers = { 'content-type': 'application/json' }
    const ask = async ({ url, metadata }: { url: string; metadata: object }) =>
      (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ ...body, metadata }) })).status
    const [promotion, rollback] = hooks
    if (promotion === undefined || rollback === undefined) throw new Error('The page has two webhooks.')
    await service.until(async () => (await ask(promotion)) !== 409, 'the verdict')
    expect([await ask(promotion), await ask(rollback)]).toEqual(ends)
  })

  it('has a command that creates an App whose checks evaluate', async () => {
    const [, command = ''] = /^ {4}npx webhooks (github manifest .+)$/m.exec(page) ?? []
    const { code, out } = await webhooks(command)
    expect(code).toBe(0)
    expect(out).toContain('/slo/request-evaluation?orchestrator=checks')
  })

  it('says which criteria are refused without Keptn', async () => {
    const sloFile = {
      objectives: [{ sli: 'checkout', pass: [{ criteria: ['<=+10%'] }] }],
      total_score: { pass: '90%' },
    }
    const input = { queries: { checkout: 'checkout' }, sloFile, timeframe: '5m' }
    const data = { project: 'shop', stage: 'production', service: 'checkout' }
    const path = '/v1/slo/request-evaluation?mode=gate&key=relative'
    expect(await service.call(path, { data, input }, { token: 'local-token' })).toMatchObject({
      status: 503,
      body: {
        detail: expect.stringContaining('compares with previous evaluations, but the caller has no orchestrator'),
      },
    })
  })
})
