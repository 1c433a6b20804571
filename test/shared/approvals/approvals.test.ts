import { describe, expect, test } from '@jest/globals'
import { refusalFor } from '../../../shared/approvals/may-decide.ts'
import { renderPage } from '../../../shared/approvals/page.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { describeDecision } from '../../../shared/state/approval-decision.ts'
import type { Approval } from '../../../shared/state/approvals.ts'

const message: Message = { mood: 'waiting', title: 'Approve?', fields: [], links: [] }
const shown = { connection: 'chat', message, hasButtons: true, deadlineAt: 0 }
const approval = (more: Partial<Approval>): Approval => ({ ...shown, ...more })
const jane = { name: 'Jane Doe', names: ['U0JANE', 'jane', 'jane@example.com'] }
const [ben, sameBen] = [
  { ...jane, exactName: 'u0ben7777' },
  { ...jane, ambiguousName: 'u0ben7777' },
]
const alphabet = 'abcdefghijklmnopqrstuvwxyz'
const abc = { ...jane, ambiguousName: alphabet }
const hidden = { name: 'Jane Doe', names: ['U0JANE', 'jane'] }

describe('A person who may decide', () => {
  test.each([
    ['everybody without a list of approvers', {}, jane],
    ['an approver by id', { approvers: ['U0BEN', 'U0JANE'] }, jane],
    ['an approver by name in any spelling', { approvers: [' @Jane '] }, jane],
    ['an approver by e-mail address', { approvers: ['Jane@Example.com'] }, jane],
    ['an approver by a name like an id', { approvers: ['@wschneider'] }, { ...jane, exactName: 'wschneider' }],
    ['an approver as Slack writes a mention', { approvers: ['<@U0JANE|jane>'] }, jane],
    ['an approver as Discord writes a mention of a role', { approvers: ['<@&U0JANE>'] }, jane],
    ['an approver with the name of the platform', { approvers: ['slack:U0JANE'] }, jane],
    ['a person other than the requester', { excluded: 'ben@example.com' }, jane],
    ['a person other than the requester, by id, if addresses are hidden', { excluded: 'U0BEN' }, hidden],
  ])('is %s', (_who, asked, person) => {
    expect(refusalFor(approval(asked), person, ['U0BEN'])).toBeUndefined()
  })

  test.each([
    ['a person who is not an approver', { approvers: ['U0BEN'] }, jane, 'Only U0BEN may decide this'],
    ['a person with an id of an approver as user name', { approvers: ['U0BEN7777'] }, ben, 'Only U0BEN7777 may decide'],
    ['a person with the exact id of an approver as user name', { approvers: [alphabet] }, abc, `Only ${alphabet} may`],
    ['the requester, by a user name like an id', { excluded: 'u0ben7777' }, sameBen, 'You requested this approval'],
    ['the requester', { excluded: 'jane' }, jane, 'You requested this approval'],
    ['the requester as an approver', { excluded: 'U0JANE', approvers: ['jane'] }, jane, 'You requested this approval'],
    ['any person if the requester is unknown', { excluded: 'jane@example.com' }, hidden, 'so it may be you'],
  ])('is not %s', (_who, asked, person, why) => {
    expect(refusalFor(approval(asked), person, undefined)).toContain(why)
  })

  test('is not the requester with another name', () => {
    expect(refusalFor({ excluded: 'j.doe@example.com' }, jane, ['U0JANE'])).toContain('You requested this approval')
  })
})

test.each([
  [{ decision: 'approve', by: 'Jane', at: '' } as const, 'Approved by Jane'],
  [{ decision: 'reject', by: 'Jane', at: '', reason: 'too late' } as const, 'Rejected by Jane: too late'],
  [undefined, 'Expired: no one decided in time'],
])('A decision is described: %#', (decision, words) => {
  expect(describeDecision(decision)).toBe(words)
})

test('The page escapes HTML and removes characters that change the text direction', () => {
  const hostile = `"><script>alert(1)</script>\u202egnp.exe' onload='x`
  const { body } = renderPage({
    kind: 'open',
    status: 200,
    deadlineAt: 0,
    decider: { type: 'anyone' },
    signInUrl: hostile,
    error: hostile,
    message: {
      ...message,
      title: hostile,
      text: hostile,
      fields: [{ name: hostile, value: hostile }],
      links: [{ label: hostile, url: `https://x/?${hostile}` }],
    },
    entered: { name: hostile, reason: hostile },
  })
  expect(body).not.toMatch(/<script|\u202e|"><|' onload/)
  expect(body.match(/&lt;script&gt;/g)?.length).toBeGreaterThanOrEqual(8)
})
