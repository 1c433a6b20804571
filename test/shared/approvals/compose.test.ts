import { describe, expect, test } from '@jest/globals'
import { composeRequest } from '../../../shared/approvals/request/compose.ts'
import { requestMessage } from '../../../shared/approvals/request/message.ts'
import type { Ask } from '../../../shared/policy/kinds/approval.ts'

const event = { project: 'shop', stage: 'production', service: 'check\u2028out' }
const call = { category: 'ci-cd', action: 'trigger-deployment', connection: 'prod', caller: 'people', event, input: {} }
const ask: Ask = { connection: 'ops', count: 2, by: ['jane@example.com'] }
const link = { token: 'token', url: 'https://a.example/t', readUrl: 'https://a.example/r/read', deadlineAt: 0 }
const buttons = {} as never
const compose = (more: object = {}, asking: Ask = ask, shown: object = {}) =>
  composeRequest({ ...call, ...more }, 'production', asking, { at: 0, ...shown })
const fieldsOf = ({ fields }: { fields: { name: string; value: string }[] }) =>
  Object.fromEntries(fields.map(({ name, value }) => [name, value]))

describe('The request for an approval', () => {
  test('names the caller, the person who has signed in, the effect of the action, and those who decide', () => {
    const { message } = compose({ person: 'ben@example.com' }, ask, { effect: 'irreversible' })
    expect(fieldsOf(message)).toEqual({
      Caller: 'people',
      'Signed in as': 'ben@example.com',
      Effect: 'irreversible',
      For: 'shop/production/check\\u2028out',
      'Decided by': 'jane@example.com',
    })
    expect(message.text).toContain('The rule "production" of the policy requires approvals of 2 people')
  })

  test('names the operator who runs a call again, and nothing that is not known', () => {
    const { message } = compose(
      { event: {}, operator: 'arn:aws:sts::1:assumed-role/ops/jane' },
      { connection: 'ops', count: 1 },
    )
    expect(fieldsOf(message)).toEqual({ Caller: 'people', 'Run again by': 'arn:aws:sts::1:assumed-role/ops/jane' })
  })

  test('says in one line why the request is not known', () => {
    const error = 'ECONNRESET\nInput:\u2028"a": 1'
    expect(compose({}, ask, { error }).message.text).toMatch(/: ECONNRESET Input: "a": 1$/)
  })

  test('says how many people have approved so far', () => {
    const message = requestMessage(compose(), { buttons }, link, '1 of 2 have approved: Jane Doe')
    expect(fieldsOf(message)).toMatchObject({ 'So far': '1 of 2 have approved: Jane Doe' })
  })

  test('links to the complete request, also without buttons', () => {
    const links = [{ label: 'Complete request', url: link.readUrl }]
    expect(requestMessage(compose(), { buttons }, link)).toMatchObject({ links, buttons: [{}, {}] })
    const message = requestMessage(compose({}, { ...ask, complete: true }), { buttons }, link)
    expect(message).toMatchObject({ links: [{ label: 'Decide', url: link.url }, ...links], buttons: undefined })
    // Such platforms make a link of the buttons themselves.
    const { links: shown, buttons: both } = requestMessage(compose({}, { ...ask, complete: true }), {}, link)
    expect([shown, both?.length]).toEqual([links, 2])
  })

  test('of a task of an earlier version is shown as it was composed', () => {
    const { details: _, ...earlier } = compose()
    const message = { ...earlier.message, text: 'Input: {"a": 1}' }
    const shown = requestMessage({ ...earlier, message }, { buttons }, link)
    expect([shown.text, shown.links, fieldsOf(shown)['Incomplete']]).toEqual([message.text, [], undefined])
  })
})
