import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { openStore, type Store } from '../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import type { Delivery, Entry } from './call-records.ts'
import { callOf } from './calls.ts'
import { PlatformRecords } from './platform-records.ts'
import type { SentPress } from './presses.ts'
import { type Restriction, restrictions } from './restrictions.ts'
import { verifyPolicy } from './verify-policy.ts'

const folders = temporaryFolder()
let store: Store
let records: PlatformRecords
beforeEach(() => {
  const folder = mkdtempSync(join(folders, 'verify-'))
  store = openStore(folder)
  records = new PlatformRecords(folder)
})
afterEach(() => {
  records.close()
  store.close()
})

/** The window is closed from the 60th to the 120th second. */
const START = Date.parse('2026-11-25T12:00:00Z')
const at = (seconds: number) => START + seconds * 1_000
const closed = [{ start: at(60), end: at(120) }]

/** The facts of a call that opens an issue. Times are in seconds. */
interface Scene {
  connection: string
  sentAt?: number
  /** Its second delivery, which is answered a second later. */
  repeat?: { at: number; status: number }
  status?: number
  wroteAt?: number
  messages?: [rule: string, end: string][]
  presses?: [user: SentPress['user'], action: SentPress['action'], at: number, status?: number][]
  message?: string
  /** Requests that did not change a message. */
  updates?: number
  audit?: { outcome?: string; auditId?: string; decisions?: object[] }[]
}

function judge({ connection, sentAt = 0, repeat, status = 202, wroteAt, ...scene }: Scene): string[] {
  const { updates = 0, messages = [], presses = [], message = 'Opened', audit = [{}] } = scene
  const restriction = restrictions.find((one) => one.connection === connection) as Restriction
  const { engine: _, ...plan } = callOf(1, 1)
  const call = { ...plan, acts: true, effect: 'issues' as const, restriction }
  const taskId = 'task'
  const deliveries: Delivery[] = [{ at: at(sentAt), answeredAt: at(sentAt + 1), status }]
  if (repeat) deliveries.push({ at: at(repeat.at), answeredAt: at(repeat.at + 1), status: repeat.status })
  const entry: Entry = { call, deliveries, ...(status === 202 && { accepted: { at: at(sentAt + 1), taskId } }) }
  const add = (collection: string, record: object) => store.collection(collection).put(randomUUID(), record)
  if (wroteAt !== undefined) add('github.issues', { title: call.id, created_at: new Date(at(wroteAt)).toISOString() })
  for (const [index, [rule, end]] of messages.entries())
    add('slack.messages', {
      ts: String(index),
      text: `The rule "${rule}" of the policy requires an approval.\n\n${end}\n${call.id}`,
      blocks: end === '' ? [{ action_id: 'approve' }] : [],
    })
  for (let update = 0; update < updates; update++) add('requests', { path: '/api/chat.update' })
  const event = { type: 'sh.keptn.event.openissue.finished', triggeredid: call.id, data: { message } }
  add('keptn.events', { at: new Date(at(sentAt)).toISOString(), via: 'api', event })
  const { violations } = verifyPolicy({
    entries: [entry],
    records,
    presses: presses.map(([user, action, sent, pressed = 303]) => {
      return { ts: '0', user, action, sentAt: at(sent), answeredAt: at(sent), status: pressed }
    }),
    auditLines: audit.map((line) => JSON.stringify({ auditId: 'a', taskId, outcome: 'pass', decisions: [], ...line })),
    closed,
    unstepped: (time) => time,
    functionTimes: (span) => span,
  })
  return violations.map(({ claim }) => claim)
}

const approved: Scene['messages'] = [['one person', 'Approved by Jane Doe (U0JANE)']]
const one: Scene = { connection: 'one-person', wroteAt: 20, messages: approved, presses: [['jane', 'approve', 10]] }
const two: Scene = { ...one, connection: 'two-people', messages: [['two people', 'Approved by Jane Doe, Ben Roe']] }
const glass: Scene = { ...one, connection: 'break-glass', messages: [['break glass', 'Approved by Ben Roe']] }
const decided = (by: string, decision: string) => [{ decisions: [{ rule: 'one person', by, decision }] }]

test.each<[string, Scene, string[]]>([
  ['nothing if the right person approves before the write', one, []],
  ['nothing if the response to the button press was lost', { ...one, presses: [['jane', 'approve', 10, 502]] }, []],
  ['a write without a button press', { ...one, presses: [] }, ['approved']],
  ['a write before the button press', { ...one, wroteAt: 5 }, ['approved']],
  ['a write after the button press of another person', { ...one, presses: [['ben', 'approve', 10]] }, ['approved']],
  ['a button press that Slack did not send', { ...one, presses: [['jane', 'approve', 10, 409]] }, ['approved']],
  [
    'one person who approved twice',
    { ...two, presses: [...(one.presses ?? []), ['jane', 'approve', 11]] },
    ['approved'],
  ],
  ['nothing if two people approve', { ...two, presses: [...(one.presses ?? []), ['ben', 'approve', 11]] }, []],
  ['a write of a silent call', { ...one, status: 200, messages: [], presses: [] }, ['approved']],
  [
    'a write after a rejection',
    { ...two, presses: [...(one.presses ?? []), ['ben', 'reject', 11], ['ben', 'approve', 12]] },
    ['rejected'],
  ],
  ['a write whose message says Rejected', { ...one, messages: [['one person', 'Rejected by Jane Doe']] }, ['rejected']],
  [
    'a write whose message says Expired',
    { ...one, messages: [['one person', 'Expired: no one decided']] },
    ['rejected'],
  ],
  ['a write while the window was closed', { connection: 'by-day', sentAt: 70, wroteAt: 90 }, ['closed']],
  ['nothing if the write waits for the window', { connection: 'by-day', sentAt: 70, wroteAt: 121 }, []],
  ['a call that is accepted while it is refused', { connection: 'only-by-day', sentAt: 70 }, ['closed']],
  ['nothing if it starts before', { connection: 'only-by-day', sentAt: 50, wroteAt: 58 }, []],
  ['a start after the window has closed', { connection: 'only-by-day', sentAt: 50, wroteAt: 90 }, ['closed']],
  ['a start after it has closed again', { connection: 'by-day', sentAt: 50, wroteAt: 90 }, ['closed']],
  ['an approved start after it has closed', { ...one, connection: 'approved-only-by-day', wroteAt: 90 }, ['closed']],
  [
    'nothing if an approved start is refused because it has closed',
    {
      ...one,
      connection: 'approved-only-by-day',
      wroteAt: undefined,
      message: 'The window has closed. Nothing was started.',
    },
    [],
  ],
  [
    'a write with a closed window and no vote',
    { ...glass, sentAt: 70, wroteAt: 90, presses: [] },
    ['approved', 'closed'],
  ],
  ['nothing if people break the glass', { ...glass, sentAt: 70, wroteAt: 90, presses: [['ben', 'approve', 80]] }, []],
  ['nothing if the window is open', { ...glass, messages: [], presses: [] }, []],
  ['a denied call that is accepted', { connection: 'denied' }, ['denied']],
  ['a denied call that writes', { connection: 'denied', status: 403, wroteAt: 20 }, ['denied']],
  ['nothing if a denied call is refused', { connection: 'denied', status: 403 }, []],
  ['a second message for a rule', { ...one, messages: [...approved, ...approved] }, ['asked']],
  ['a message for a rule that does not match', { connection: 'by-day', messages: approved }, ['asked']],
  ['an approved task that has not started', { ...one, wroteAt: undefined, message: 'Nothing was started.' }, ['runs']],
  ['an open message', { ...one, messages: [['one person', '']] }, ['closes']],
  ['no open message if Slack did not accept five updates', { ...one, messages: [['one person', '']], updates: 5 }, []],
  ['a refusal of a repeat', { ...one, repeat: { at: 30, status: 422 } }, ['repeated']],
  ['no refusal of a delivery that was first', { ...one, repeat: { at: 0, status: 422 } }, []],
  ['a missing audit record', { ...one, audit: [] }, ['audited']],
  ['a second audit record', { ...one, audit: [{}, { auditId: 'b' }] }, ['audited']],
  ['no audit record that was written again', { ...one, audit: [{}, {}] }, []],
  ['another outcome in the same audit record', { ...one, audit: [{}, { outcome: 'fail' }] }, ['audited']],
  ['a decision that no one made', { ...one, audit: decided('Ben Roe (U0BEN)', 'approve') }, ['audited']],
  ['no decision of the person who pressed', { ...one, audit: decided('Jane Doe (U0JANE)', 'approve') }, []],
])('verifyPolicy reports %s', (_what, scene, broken) => {
  expect(judge(scene)).toEqual(broken)
})
