import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals'
import { openStore } from '../../infra/sandbox/platforms/sandbox/store.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import type { Entry } from './call-records.ts'
import { type Call, callOf } from './calls.ts'
import type { Rerun } from './operator.ts'
import { PlatformRecords } from './platform-records.ts'
import { verify } from './verify.ts'

const folders = temporaryFolder()
let store: ReturnType<typeof openStore>
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

/** Adds a record to a collection of the sandbox. */
function add(collection: string, record: object): void {
  store.collection(collection).put(randomUUID(), record)
}

const START = Date.parse('2026-11-25T12:00:00Z')
const secondsIn = (seconds: number) => START + seconds * 1_000

/** A call that opens an issue, accepted, with a started and a finished: nothing is wrong with it. */
function accepted(more: Partial<Call> = {}): Entry {
  const call: Call = {
    ...callOf(1, 1),
    action: 'issue-ticketing/open-issue',
    mode: 'interactive',
    sendStarted: true,
    deadline: 30,
    effect: 'issues',
    acts: true,
    deliveries: [0],
    ...more,
  }
  delete call.refused
  delete call.engine
  if (more.refused !== undefined) call.refused = more.refused
  return {
    call,
    deliveries: [{ at: START, answeredAt: START, status: 202, taskId: 'task' }],
    accepted: { at: START, taskId: 'task' },
  }
}

function sent({ call }: Entry, kind: 'started' | 'finished', at = secondsIn(1), more = {}, data = {}): void {
  const event = {
    type: `sh.keptn.event.openissue.${kind}`,
    triggeredid: call.id,
    shkeptncontext: call.context,
    ...more,
    data: { project: 'shop', stage: 'production', service: 'checkout', status: 'succeeded', result: 'pass', ...data },
  }
  add('keptn.events', { at: new Date(at).toISOString(), via: 'api', event })
}

function opened({ call }: Entry): void {
  add('github.issues', { title: `Prove ${call.id}` })
}

function asked(fault: string | null, at: number): void {
  add('requests', { at: new Date(at).toISOString(), target: 'keptn', method: 'POST', path: '/', status: 500, fault })
}

function judge(entry: Entry, more: Partial<Parameters<typeof verify>[0]> = {}) {
  const found = verify({
    entries: [entry],
    records,
    downs: [],
    functionLag: () => 0,
    stops: [],
    unstepped: (at) => at,
    ...more,
  })
  return { ...found, broken: found.violations.map(({ claim }) => claim) }
}

/** A call with both events, and without its issue. */
function withoutIssue(more: Partial<Call> = {}): Entry {
  const entry = accepted(more)
  sent(entry, 'started')
  sent(entry, 'finished')
  return entry
}

/** Everything that belongs to an accepted call, and what is laid over it. */
function completeEntry(more: Partial<Call> = {}): Entry {
  const entry = withoutIssue(more)
  opened(entry)
  return entry
}

const answeredWith = (entry: Entry, ...statuses: (number | undefined)[]) => ({
  ...entry,
  deliveries: statuses.map((status) => ({ at: START, answeredAt: START, status })),
})

/** The call was not accepted. */
function withoutTask({ accepted: _, ...entry }: Entry): Entry {
  return entry
}

function finishedWith(event: object, data?: object, more: Partial<Call> = { sendStarted: false }): Entry {
  const entry = accepted(more)
  opened(entry)
  sent(entry, 'finished', secondsIn(1), event, data)
  return entry
}

function startedTwice(more: Partial<Call> = {}): Entry {
  const entry = completeEntry(more)
  sent(entry, 'started')
  return entry
}

/** Two runs, of which the first one ended with an outcome before the second one started. */
function ranTwice(outcome: string, secondsBetween: number): Entry {
  const entry = finishedWith({}, { result: 'fail' }, { sendStarted: false, effect: 'job runs' })
  const parameters = { event: entry.call.id, outcome, seconds: '1' }
  for (const run of [0, 1]) {
    const created = secondsIn(run * secondsBetween)
    add('rundeck.runs', { number: run + 1, job: 'job', parameters, created })
  }
  return entry
}

/** A silent call that posted two messages. */
function postedTwice(): Entry {
  const entry = withoutTask(accepted({ mode: 'silent', effect: 'messages', action: 'notification/push-update' }))
  for (const ts of ['1.1', '1.2']) add('slack.messages', { ts, text: `Prove ${entry.call.id}` })
  return entry
}

/** Two issues, and an operator who asked to run the task again. */
function rerunWith(rerun: Rerun): Entry {
  const entry = completeEntry()
  opened(entry)
  return { ...entry, reruns: [rerun] }
}

/** A task that passes a second after the start of its run. */
function passedDuring(more: object): Entry {
  const entry = finishedWith({}, {}, { sendStarted: false, effect: 'runs' })
  add('github.runs', { created: START, cancelled: null, inputs: { image: entry.call.id }, ...more })
  return entry
}

function after(act: (entry: Entry) => void, entry: Entry): Entry {
  act(entry)
  return entry
}
const invalid = () => withoutTask(accepted({ refused: 401 }))
const sentForAnother = ({ call, ...entry }: Entry) => sent({ ...entry, call: { ...call, id: 'x' } }, 'finished')

test.each<[string, () => Entry, string[]]>([
  ['nothing if all invariants hold', completeEntry, []],
  ['a missing finished event', () => after((entry) => sent(entry, 'started'), accepted()), ['finished']],
  ['a duplicate finished event', () => after((entry) => sent(entry, 'finished'), completeEntry()), ['finished']],
  ['a finished event of another context', () => finishedWith({ shkeptncontext: 'another' }), ['finished']],
  ['a task that ended as aborted', () => finishedWith({}, { status: 'aborted', result: 'fail' }), ['aborted']],
  ['a duplicate started event', startedTwice, ['started']],
  ['an unrequested started event', () => startedTwice({ sendStarted: false }), ['started']],
  ['a missing started event', () => finishedWith({}, {}, { sendStarted: true }), ['started']],
  ['a duplicate issue', () => after(opened, completeEntry()), ['once']],
  ['no duplicate run if the first one had vanished before', () => ranTwice('vanish', 2), []],
  ['a duplicate run if the first one vanished later', () => ranTwice('vanish', 1), ['once']],
  ['a duplicate run if the first one failed', () => ranTwice('fail', 2), ['once']],
  ['a duplicate message of a silent call', () => answeredWith(postedTwice(), 200), ['once']],
  ['a duplicate message after its worker died', () => answeredWith(postedTwice(), undefined, 200), ['once']],
  ['no second issue of a task that was run again', () => rerunWith({ status: 202, taskId: 'again' }), []],
  ['a second issue after a refused rerun', () => rerunWith({ status: 400 }), ['once']],
  ['a missing issue of a pass', () => withoutIssue(), ['done']],
  ['no missing issue of a dry run', () => withoutIssue({ acts: false }), []],
  ['a pass before its run has succeeded', () => passedDuring({}), ['shown']],
  ['a pass of a run that was canceled', () => passedDuring({ created: 0, cancelled: 1 }), ['shown']],
  ['no pass after its run has succeeded', () => passedDuring({ created: START - 2_000 }), []],
  ['an event of a rejected call', () => answeredWith(withoutTask(completeEntry()), 503), ['refused']],
  ['no event of a call that may be accepted', () => answeredWith(withoutTask(completeEntry()), 503, undefined), []],
  ['an event of a silent call', () => answeredWith(withoutTask(completeEntry({ mode: 'silent' })), 200), ['refused']],
  ['a missing issue of a silent call', () => answeredWith(withoutTask(accepted({ mode: 'silent' })), 200), ['done']],
  ['an event without a call', () => after(sentForAnother, completeEntry()), ['stray']],
  [
    'a remaining toxic',
    () => {
      add('toxiproxy.proxies', { name: 'shop-db', toxics: [{}] })
      return completeEntry()
    },
    ['left'],
  ],
  ['no invalid call that was rejected', () => answeredWith(invalid(), 401), []],
  ['no invalid call after a failure', () => answeredWith(invalid(), 503), []],
  ['an invalid call that was not rejected', () => answeredWith(invalid(), 404), ['wrong']],
])('verify reports %s', (_what, arrange, broken) => {
  expect(judge(arrange()).broken).toEqual(broken)
})

test('verify counts events and results', () => {
  expect(judge(completeEntry())).toMatchObject({ events: 2, ends: { 'succeeded pass': 1 } })
})

describe('verify: a task that ends after its deadline', () => {
  const late = (seconds: number) => {
    const entry = accepted({ sendStarted: false })
    opened(entry)
    sent(entry, 'finished', secondsIn(30 + seconds))
    return entry
  }

  it('is late if it exceeds it by more than a poll', () => {
    expect(judge(late(17))).toMatchObject({ broken: [], late: { tasks: 1, max: 17_000, maxOwn: 17_000 } })
    store.empty()
    expect(judge(late(19)).broken).toContain('deadline')
  })

  it('is not late because the runtime was down', () => {
    const down = [{ start: secondsIn(20), end: secondsIn(35) }]
    expect(judge(late(22), { downs: down })).toMatchObject({ broken: [], late: { max: 22_000, maxOwn: 17_000 } })
  })

  it('is not late because its clock was behind', () => {
    expect(judge(late(22), { functionLag: () => 6_000 })).toMatchObject({ broken: [], late: { maxOwn: 16_000 } })
  })

  it('is not late because Keptn rejected events', () => {
    asked('503', secondsIn(31))
    asked(null, secondsIn(33))
    expect(judge(late(28))).toMatchObject({ broken: [], late: { maxOwn: 16_000 } })
  })
})
