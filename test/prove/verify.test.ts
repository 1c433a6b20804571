import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openStore } from '../../infra/platforms/sandbox/store.ts'
import type { Entry } from './call-records.ts'
import { type Call, callOf } from './calls.ts'
import { PlatformRecords } from './platform-records.ts'
import { verify } from './verify.ts'

let folder: string
let store: ReturnType<typeof openStore>
let records: PlatformRecords
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-verify-'))
  store = openStore(folder)
  records = new PlatformRecords(folder)
})
afterEach(() => {
  records.close()
  store.close()
  rmSync(folder, { recursive: true })
})

const START = Date.parse('2026-11-25T12:00:00Z')
const secondsIn = (seconds: number) => START + seconds * 1_000

/** A call that opens an issue, accepted, with a started and a finished: nothing is wrong with it. */
function accepted(more: Partial<Call> = {}): Entry {
  const call: Call = {
    ...callOf(1, 1),
    ...{ action: 'issue-ticketing/open-issue', mode: 'interactive', sendStarted: true, deadline: 30 },
    ...{ effect: 'issues', acts: true, deliveries: [0] },
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

function sent(
  { call }: Entry,
  kind: 'started' | 'finished',
  at = secondsIn(1),
  more: object = {},
  data: object = {},
): void {
  const event = {
    ...{ type: `sh.keptn.event.openissue.${kind}`, triggeredid: call.id, shkeptncontext: call.context, ...more },
    data: { project: 'shop', stage: 'production', service: 'checkout', status: 'succeeded', result: 'pass', ...data },
  }
  store.run(
    `INSERT INTO events (id, at, via, visible_at, time, type, event) VALUES (?, ?, 'api', 0, 0, ?, ?)`,
    crypto.randomUUID(),
    new Date(at).toISOString(),
    event.type,
    JSON.stringify(event),
  )
}

function opened({ call }: Entry): void {
  store.run('INSERT OR IGNORE INTO repos (id, key, owner, name, created_at) VALUES (1, ?, ?, ?, ?)', 'k', 'o', 'n', '')
  store.run(
    `INSERT INTO issues (repo_id, number, title, state, labels, assignees, created_at, updated_at)
     SELECT 1, count(*) + 1, ?, 'open', '[]', '[]', '', '' FROM issues`,
    `Prove ${call.id}`,
  )
}

function asked(fault: string | null, at: number): void {
  store.run(
    `INSERT INTO requests (at, target, method, path, status, fault) VALUES (?, 'keptn', 'POST', '/', 500, ?)`,
    new Date(at).toISOString(),
    fault,
  )
}

function judge(entry: Entry, more: Partial<Parameters<typeof verify>[0]> = {}) {
  const found = verify({ entries: [entry], records, downs: [], backSteps: [], unstepped: (at) => at, ...more })
  return { ...found, broken: found.violations.map(({ claim }) => claim) }
}

/** Everything that belongs to an accepted call, and what is laid over it. */
function completeEntry(more: Partial<Call> = {}): Entry {
  const entry = accepted(more)
  sent(entry, 'started')
  sent(entry, 'finished')
  opened(entry)
  return entry
}

describe('verify reports', () => {
  it('nothing if all invariants hold', () => {
    expect(judge(completeEntry())).toMatchObject({ broken: [], events: 2, ends: { 'succeeded pass': 1 } })
  })

  it('a missing finished event', () => {
    const entry = accepted()
    sent(entry, 'started')
    expect(judge(entry).broken).toEqual(['finished'])
  })

  it('a duplicate finished event', () => {
    const entry = completeEntry()
    sent(entry, 'finished')
    expect(judge(entry).broken).toEqual(['finished'])
  })

  it('a finished event of another context', () => {
    const entry = accepted({ sendStarted: false })
    opened(entry)
    sent(entry, 'finished', secondsIn(1), { shkeptncontext: 'another' })
    expect(judge(entry).broken).toEqual(['finished'])
  })

  it('a duplicate, missing or unrequested started event', () => {
    const entry = completeEntry()
    sent(entry, 'started')
    expect(judge(entry).broken).toEqual(['started'])
    expect(judge({ ...entry, call: { ...entry.call, sendStarted: false } }).broken).toEqual(['started'])
    store.run("DELETE FROM events WHERE type LIKE '%.started'")
    expect(judge(entry).broken).toEqual(['started'])
  })

  it('a duplicate issue', () => {
    const entry = completeEntry()
    opened(entry)
    expect(judge(entry).broken).toEqual(['once'])
  })

  it('a duplicate run, unless the first one had vanished before', () => {
    const entry = completeEntry({ effect: 'job_runs' })
    const start = (number: number, outcome: string, at: number) =>
      store.run(
        "INSERT INTO job_runs (platform, number, job, parameters, created) VALUES ('rundeck', ?, 'job', ?, ?)",
        ...[number, JSON.stringify({ event: entry.call.id, outcome, seconds: '1' }), secondsIn(at)],
      )
    for (const [outcome, later, broken] of [
      ['vanish', 2, []],
      ['vanish', 1, ['once']],
      ['fail', 2, ['once']],
    ] as const) {
      store.run('DELETE FROM job_runs')
      start(1, outcome, 0)
      start(2, outcome, later)
      expect(judge(entry).broken).toEqual(broken)
    }
  })

  it('a duplicate message, also for a silent call whose worker died', () => {
    const { accepted: _, ...silent } = accepted({
      mode: 'silent',
      effect: 'messages',
      action: 'notification/push-update',
    })
    const answered = [{ at: START, answeredAt: START, status: 200 }]
    const post = (ts: string) =>
      store.run(
        'INSERT INTO messages (ts, message) VALUES (?, ?)',
        ts,
        JSON.stringify({ text: `Prove ${silent.call.id}` }),
      )
    post('1.1')
    post('1.2')
    expect(judge({ ...silent, deliveries: answered }).broken).toEqual(['once'])
    const died = [{ at: START, answeredAt: START, status: undefined }, ...answered]
    expect(judge({ ...silent, deliveries: died }).broken).toEqual(['once'])
  })

  it('a task that ended as aborted', () => {
    const entry = accepted({ sendStarted: false })
    opened(entry)
    sent(entry, 'finished', secondsIn(1), {}, { status: 'aborted', result: 'fail' })
    expect(judge(entry).broken).toEqual(['aborted'])
  })

  it('a missing issue of a pass, unless it was a dry run', () => {
    const entry = completeEntry()
    store.run('DELETE FROM issues')
    expect(judge(entry).broken).toEqual(['done'])
    expect(judge({ ...entry, call: { ...entry.call, acts: false } }).broken).toEqual([])
  })

  it('an event of a rejected call', () => {
    const { accepted: _, ...refused } = completeEntry()
    const deliveries = [{ at: START, answeredAt: START, status: 503 }]
    expect(judge({ ...refused, deliveries }).broken).toEqual(['refused'])
    // A delivery without a response may have been accepted.
    const withUnknown = [...deliveries, { at: START, answeredAt: START, status: undefined }]
    expect(judge({ ...refused, deliveries: withUnknown }).broken).toEqual([])
  })

  it('an event of a silent call', () => {
    const { accepted: _, ...silent } = completeEntry({ mode: 'silent' })
    expect(judge({ ...silent, deliveries: [{ at: START, answeredAt: START, status: 200 }] }).broken).toEqual([
      'refused',
    ])
  })

  it('a missing record of a silent call that returned 200', () => {
    const { accepted: _, ...silent } = accepted({ mode: 'silent' })
    expect(judge({ ...silent, deliveries: [{ at: START, answeredAt: START, status: 200 }] }).broken).toEqual(['done'])
  })

  it('an event without a call', () => {
    const entry = completeEntry()
    sent({ ...entry, call: { ...entry.call, id: crypto.randomUUID() } }, 'finished')
    expect(judge(entry).broken).toEqual(['stray'])
  })

  it('a remaining toxic', () => {
    store.run('INSERT INTO proxies (name, proxy) VALUES (?, ?)', 'shop-db', JSON.stringify({ toxics: [{}] }))
    expect(judge(completeEntry()).broken).toEqual(['left'])
  })
})

it('verify reports an invalid call that is not rejected', () => {
  const { accepted: _, ...wrong } = accepted({ refused: 401 })
  const answered = (status: number) =>
    judge({ ...wrong, deliveries: [{ at: START, answeredAt: START, status }] }).broken
  expect([answered(401), answered(404), answered(503)]).toEqual([[], ['wrong'], []])
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
    store.run('DELETE FROM events')
    expect(judge(late(19)).broken).toContain('deadline')
  })

  it('is not late because the runtime was down', () => {
    const down = [{ start: secondsIn(20), end: secondsIn(35) }]
    expect(judge(late(22), { downs: down })).toMatchObject({ broken: [], late: { max: 22_000, maxOwn: 17_000 } })
  })

  it('is not late because its clock was set back', () => {
    const backSteps = [{ at: secondsIn(10), by: 6_000 }]
    expect(judge(late(22), { backSteps })).toMatchObject({ broken: [], late: { maxOwn: 16_000 } })
  })

  it('is not late because Keptn rejected events', () => {
    asked('503', secondsIn(31))
    asked(null, secondsIn(33))
    expect(judge(late(28))).toMatchObject({ broken: [], late: { maxOwn: 16_000 } })
  })
})
