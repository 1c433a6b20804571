import { describe, expect, test } from '@jest/globals'
import { describeDecision } from '../../../shared/approvals/decision.ts'
import { renderPage } from '../../../shared/approvals/page.ts'
import { refusalFor } from '../../../shared/approvals/person.ts'
import type { Approval } from '../../../shared/approvals/store.ts'
import type { Message } from '../../../shared/providers/message.ts'

const message: Message = { mood: 'waiting', title: 'Approve?', fields: [], links: [] }
const approval = (more: Partial<Approval>): Approval => ({
  connection: 'chat',
  message,
  hasButtons: true,
  deadlineAt: 0,
  ...more,
})
const jane = { name: 'Jane Doe', names: ['U0JANE', 'jane', 'jane@example.com'] }
const hidden = { name: 'Jane Doe', names: ['U0JANE', 'jane'] }

describe('who may decide', () => {
  test.each([
    ['everybody, where nobody is named', {}, jane],
    ['an approver by id', { approvers: ['U0BEN', 'U0JANE'] }, jane],
    ['an approver by name, however it is written', { approvers: [' @Jane '] }, jane],
    ['an approver by e-mail address', { approvers: ['Jane@Example.com'] }, jane],
    [
      'an approver by a name like an id, as it is written',
      { approvers: ['@wschneider'] },
      { ...jane, exactName: 'wschneider' },
    ],
    ['an approver as Slack writes a mention', { approvers: ['<@U0JANE|jane>'] }, jane],
    ['an approver with the name of the platform', { approvers: ['slack:U0JANE'] }, jane],
    ['who has not asked', { excluded: 'ben@example.com' }, jane],
    ['who has not asked, by id, where addresses are hidden', { excluded: 'U0BEN' }, hidden],
  ])('is %s', (_who, asked, person) => {
    expect(refusalFor(approval(asked), person, 'U0BEN')).toBeUndefined()
  })

  test.each([
    ['somebody else', { approvers: ['U0BEN'] }, jane, 'Only U0BEN may decide this'],
    [
      'somebody whose user name is the id of an approver',
      { approvers: ['U0BEN7777'] },
      { ...jane, exactName: 'u0ben7777' },
      'Only U0BEN7777 may decide this',
    ],
    [
      'somebody whose user name is the id of an approver, in the same letters',
      { approvers: ['abcdefghijklmnopqrstuvwxyz'] },
      { ...jane, ambiguousName: 'abcdefghijklmnopqrstuvwxyz' },
      'Only abcdefghijklmnopqrstuvwxyz may decide this',
    ],
    [
      'who has asked, by a user name like an id',
      { excluded: 'u0ben7777' },
      { ...jane, ambiguousName: 'u0ben7777' },
      'You requested this approval',
    ],
    ['who has asked', { excluded: 'jane' }, jane, 'You requested this approval'],
    [
      'who has asked, though an approver',
      { excluded: 'U0JANE', approvers: ['jane'] },
      jane,
      'You requested this approval',
    ],
    ['anybody, if who has asked is unknown', { excluded: 'jane@example.com' }, hidden, 'so it may be you'],
  ])('is not %s', (_who, asked, person, why) => {
    expect(refusalFor(approval(asked), person, undefined)).toContain(why)
  })

  test('is not who has asked by another name', () => {
    expect(refusalFor({ excluded: 'j.doe@example.com' }, jane, 'U0JANE')).toContain('You requested this approval')
  })
})

test.each([
  [{ decision: 'approve', by: 'Jane', at: '' } as const, 'Approved by Jane'],
  [{ decision: 'reject', by: 'Jane', at: '', reason: 'too late' } as const, 'Rejected by Jane: too late'],
  [undefined, 'Expired: no one decided in time'],
])('a decision is told in words', (decision, words) => {
  expect(describeDecision(decision)).toBe(words)
})

test('a page turns nothing around, and opens no attribute', () => {
  const hostile = `"><script>alert(1)</script>\u202egnp.exe' onload='x`
  const { body } = renderPage({
    ...{ kind: 'open', status: 200, deadlineAt: 0, error: hostile },
    message: {
      ...message,
      title: hostile,
      text: hostile,
      fields: [{ name: hostile, value: hostile }],
      links: [{ label: hostile, url: `https://x/?${hostile}` }],
    },
    given: { name: hostile, reason: hostile },
  })
  expect(body).not.toMatch(/<script|\u202e|"><|' onload/)
  expect(body.match(/&lt;script&gt;/g)?.length).toBeGreaterThanOrEqual(8)
})
