import { beforeEach, describe, expect, test } from '@jest/globals'
import { servicenowChange } from '../../../../functions/notification/servicenow-change/servicenow-change.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { closeApproval } from '../../../../shared/approvals/close-action.ts'
import type { PostedMessage } from '../../../../shared/providers/message.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { testMessages } from '../../messages.ts'
import { evaluation, question } from '../messages.ts'
import { refused, startServiceNowChange } from './fake.ts'

const { getDecision, withdraw } = servicenowChange.process

const {
  server,
  client,
  post: postMessage,
} = testMessages(servicenowChange, {
  start: startServiceNowChange,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  visible: ({ state }) => state.changes.length,
  refusal: (reason) => refused(400, reason).body as object,
  defaults: { windowHours: 24 },
  newest: ({ state }) => state.changes.at(-1),
  shows: {
    evaluation: { short_description: evaluation.title },
    question: { short_description: question.title, correlation_id: keyOf(1), state: '-4', approval: 'requested' },
  },
})
const post = (connection: object = {}) => postMessage({ ...question, buttons: undefined }, { connection })
const change = () => newestOf(server.state.changes)
const item = 'b0dbda5347c12200e0ef563dbb9a718f'

describe('ServiceNow change: request', () => {
  test('creates a normal change with the idempotency key and sends it to the approvers', async () => {
    const posted = await post({ group: 'CAB Approval', plan: 'Deploy', backoutPlan: 'Roll back' })
    const { sys_id } = change()
    expect(posted).toMatchObject({
      id: sys_id,
      url: `${server.url}/nav_to.do?uri=change_request.do%3Fsys_id%3D${sys_id}`,
    })
    expect(change()).toMatchObject({
      assignment_group: 'a'.repeat(32),
      implementation_plan: 'Deploy',
      backout_plan: 'Roll back',
    })
    expect(change()['description']).toContain('Decide until: 2026-12-01 12:00 UTC')
  })

  test('reports the condition that keeps the change from its approvers', async () => {
    server.state.unmetCondition = 'Implementation plan is filled in'
    await expectFailure(post(), 'refused', 'did not move CHG0030001 to assess: Implementation plan is filled in')
  })

  test('cancels a change whose fields ServiceNow has ignored', async () => {
    server.state.readOnly = ['correlation_id']
    await expectFailure(post(), 'refused', 'did not set correlation_id of CHG0030001, which was canceled')
    expect(change().state).toBe('4')
  })

  test('refuses messages that request no approval', () => {
    expect(() => servicenowChange.checkMessage({ channel: undefined, needsApproval: false })).toThrow(
      'only for approvals',
    )
    expect(() => servicenowChange.checkMessage({ channel: undefined, needsApproval: true })).not.toThrow()
  })
})

describe('ServiceNow change: decision', () => {
  test.each([
    ['approved', 'approve', 'looks good'],
    ['rejected', 'reject', 'not today'],
  ] as const)('reports who has %s the change, when and why', async (approval, decision, reason) => {
    const posted = await post()
    expect(await getDecision(client(), posted)).toBeUndefined()
    server.decide(approval, 'Jane Doe', reason)
    const at = '2026-11-27T12:58:05.000Z'
    expect(await getDecision(client(), posted)).toEqual({ decision, by: 'Jane Doe', at, reason })
  })

  test('reports conflicts with other changes', async () => {
    const posted = await post({ item, windowHours: 2 })
    expect(Date.parse(`${change()['end_date']}Z`) - Date.parse(`${change()['start_date']}Z`)).toBe(7_200_000)
    server.state.conflicts = ['blackout', 'already_scheduled', 'blackout']
    server.decide('approved')
    expect(await getDecision(client({ connection: { item } }), posted)).toMatchObject({
      note: 'ServiceNow reports 3 conflicts: blackout, already_scheduled',
    })
  })

  test('reports a change that was canceled in ServiceNow', async () => {
    const posted = await post()
    change().state = '4'
    expect(await getDecision(client(), posted)).toMatchObject({ decision: 'cancel', by: 'ServiceNow' })
  })

  test('sends a change to its approvers if a crash has prevented that', async () => {
    const posted = await post()
    Object.assign(change(), { state: '-5', approval: 'not requested' })
    expect(await getDecision(client(), posted)).toBeUndefined()
    expect(change()).toMatchObject({ state: '-4', approval: 'requested' })
  })

  test.each(['not_required', 'duplicate', 'anything new'])('waits while the approval is %s', async (approval) => {
    const posted = await post()
    change().approval = approval
    expect(await getDecision(client(), posted)).toBeUndefined()
  })
})

describe('ServiceNow change: end', () => {
  let posted: PostedMessage
  beforeEach(async () => {
    posted = await post()
  })
  const close = (work: object = {}) =>
    closeApproval.run(servicenowChange, client(), { id: change().sys_id, result: 'pass', comment: undefined, ...work })

  test('withdraws an open change, once', async () => {
    await withdraw(client(), posted, 'Expired: no one decided in time')
    expect(change()).toMatchObject({ state: '4', work_notes: 'Expired: no one decided in time' })
    server.calls.length = 0
    await withdraw(client(), posted, 'Again')
    expect(server.calls.map(({ method }) => method)).toEqual(['GET'])
  })

  test.each([
    ['pass', 'successful'],
    ['warning', 'successful_issues'],
    ['fail', 'unsuccessful'],
  ] as const)('closes an approved change and its tasks with %s as %s, once', async (result, close_code) => {
    server.decide('approved')
    server.state.tasks = [
      { sys_id: 'c'.repeat(32), state: '1' },
      { sys_id: 'd'.repeat(32), state: '4' },
    ]
    const comment = 'Deployed 1.4.2'
    expect(await close({ result, comment })).toMatchObject({ data: { state: 'CHG0030001 closed' } })
    expect(change()).toMatchObject({ state: '3', close_code, close_notes: comment })
    expect(server.state.tasks).toMatchObject([{ state: '3', close_code, close_notes: comment }, { state: '4' }])
    const { length } = server.calls.filter(({ method }) => method === 'PATCH')
    await close({ result, comment })
    expect(server.calls.filter(({ method }) => method === 'PATCH')).toHaveLength(length)
  })

  test('refuses to close a change that is not approved or was canceled', async () => {
    await expectFailure(close(), 'refused', 'did not move CHG0030001 to implement')
    change().state = '4'
    await expectFailure(close(), 'refused', 'did not close CHG0030001: it is canceled')
  })

  test('refuses an id that is not a sys_id', async () => {
    await expectFailure(close({ id: 'CHG0030001' }), 'invalid', 'must be the sys_id that ask-approval returned')
  })
})
