import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { askTodaysPolicy } from '../../../shared/core/todays-policy.ts'
import { policyHandler, type StartQuestion } from '../../../shared/policy/handler.ts'

const question: StartQuestion = {
  call: {
    category: 'ci-cd',
    action: 'trigger-deployment',
    actionNames: ['trigger-deployment'],
    isFree: false,
    connection: 'prod',
    caller: 'bot',
    isAgent: true,
    input: { target: 'shop' },
  },
  opened: [],
}
/** The Lambda API. */
let lambda: Served
let answer: (path: string, body: unknown) => unknown
beforeAll(async () => {
  lambda = await serve(({ path, body }) => ({ status: 200, body: answer(path, body) }))
  process.env['AWS_ENDPOINT_URL_LAMBDA'] = lambda.url
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'eu-west-1' })
})
afterAll(() => lambda.close())
beforeEach(() => {
  process.env['WEBHOOKS_POLICY_FUNCTION'] = 'policy-of-today'
})
afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FUNCTION']
  lambda.recover()
})

describe('A task that asks for the policy of today', () => {
  it('asks the function of today, and gets its answer', async () => {
    const asked: unknown[] = []
    answer = (path, body) => {
      asked.push(path, body)
      return { type: 'refused', why: 'The policy has changed: audit' }
    }
    expect(await askTodaysPolicy(question)).toEqual({ type: 'refused', why: 'The policy has changed: audit' })
    expect(asked).toEqual(['/2015-03-31/functions/policy-of-today/invocations', question])
  })

  it.each([[{}], [{ type: 'maybe' }], [{ type: 'closed' }]])('starts nothing if the answer is %j', async (unknown) => {
    answer = () => unknown
    await expect(askTodaysPolicy(question)).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('starts nothing if there is no answer', async () => {
    answer = () => ({ type: 'allowed' })
    lambda.failNext(400, { __type: 'ResourceNotFoundException' }, { on: 'POST' })
    await expect(askTodaysPolicy(question)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

describe('The function of today', () => {
  it('answers a question that was sent as JSON', async () => {
    expect(await policyHandler(JSON.parse(JSON.stringify(question)))).toEqual({ type: 'allowed' })
  })

  it('does not guess what an incomplete question means', async () => {
    const { caller: _, ...call } = question.call
    await expect(policyHandler({ ...question, call })).rejects.toThrow('caller')
  })
})
