import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openStore } from '../../infra/platforms/sandbox/store.ts'
import type { Entry } from './call-records.ts'
import { type Call, callOf } from './calls.ts'
import { Books } from './platform-records.ts'
import { verify } from './verify.ts'

let folder: string
let store: ReturnType<typeof openStore>
let books: Books
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-verify-'))
  store = openStore(folder)
  books = new Books(folder)
})
afterEach(() => {
  books.close()
  store.close()
  rmSync(folder, { recursive: true })
})

const began = Date.parse('2026-11-25T12:00:00Z')
const secondsIn = (seconds: number) => began + seconds * 1_000

/** A call that opens an issue, accepted, with a started and a finished: nothing is wrong with it. */
function accepted(more: Partial<Call> = {}): Entry {
  const call: Call = {
    ...callOf(1, 1),
    ...{ action: 'issue-ticketing/open-issue', mode: 'interactive', sendStarted: true, deadline: 30 },
    ...{ effect: 'issues', acts: true, deliveries: [0] },
    ...more,
  }
  delete call.refused
  if (more.refused !== undefined) call.refused = more.refused
  return {
    call,
    deliveries: [{ at: began, answeredAt: began, status: 202, taskId: 'task' }],
    accepted: { at: began, taskId: 'task' },
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
  const found = verify({ entries: [entry], books, downs: [], backSteps: [], unstepped: (at) => at, ...more })
  return { ...found, broken: found.violations.map(({ claim }) => claim) }
}

/** Everything that belongs to an accepted call, and what is laid over it. */
function whole(more: Partial<Call> = {}): Entry {
  const entry = accepted(more)
  sent(entry, 'started')
  sent(entry, 'finished')
  opened(entry)
  return entry
}

describe('what callers were told is held against the books, which', () => {
  it('have each thing once: every claim holds', () => {
    expect(judge(whole())).toMatchObject({ broken: [], events: 2, ends: { 'succeeded pass': 1 } })
  })

  it('have no finished', () => {
    const entry = accepted()
    sent(entry, 'started')
    expect(judge(entry).broken).toEqual(['finished'])
  })

  it('have a second finished', () => {
    const entry = whole()
    sent(entry, 'finished')
    expect(judge(entry).broken).toEqual(['finished'])
  })

  it('have a finished of another context', () => {
    const entry = accepted({ sendStarted: false })
    opened(entry)
    sent(entry, 'finished', secondsIn(1), { shkeptncontext: 'another' })
    expect(judge(entry).broken).toEqual(['finished'])
  })

  it('have a second started, or none, or one that nobody asked for', () => {
    const entry = whole()
    sent(entry, 'started')
    expect(judge(entry).broken).toEqual(['started'])
    expect(judge({ ...entry, call: { ...entry.call, sendStarted: false } }).broken).toEqual(['started'])
    store.run("DELETE FROM events WHERE type LIKE '%.started'")
    expect(judge(entry).broken).toEqual(['started'])
  })

  it('have a second issue', () => {
    const entry = whole()
    opened(entry)
    expect(judge(entry).broken).toEqual(['once'])
  })

  it('have a second run, but for one that its platform had forgotten before it began', () => {
    const entry = whole({ effect: 'job_runs' })
    const begin = (number: number, outcome: string, at: number) =>
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
      begin(1, outcome, 0)
      begin(2, outcome, later)
      expect(judge(entry).broken).toEqual(broken)
    }
  })

  it('have a second message, also for a silent call whose worker has died', () => {
    const { accepted: _, ...silent } = accepted({
      mode: 'silent',
      effect: 'messages',
      action: 'notification/push-update',
    })
    const answered = [{ at: began, answeredAt: began, status: 200 }]
    const post = (ts: string) =>
      store.run(
        'INSERT INTO messages (ts, message) VALUES (?, ?)',
        ts,
        JSON.stringify({ text: `Prove ${silent.call.id}` }),
      )
    post('1.1')
    post('1.2')
    expect(judge({ ...silent, deliveries: answered }).broken).toEqual(['once'])
    const died = [{ at: began, answeredAt: began, status: undefined }, ...answered]
    expect(judge({ ...silent, deliveries: died }).broken).toEqual(['once'])
  })

  it('say that it was aborted', () => {
    const entry = accepted({ sendStarted: false })
    opened(entry)
    sent(entry, 'finished', secondsIn(1), {}, { status: 'aborted', result: 'fail' })
    expect(judge(entry).broken).toEqual(['aborted'])
  })

  it('have no issue for a pass, but for one that only shows what it would do', () => {
    const entry = whole()
    store.run('DELETE FROM issues')
    expect(judge(entry).broken).toEqual(['done'])
    expect(judge({ ...entry, call: { ...entry.call, acts: false } }).broken).toEqual([])
  })

  it('have an event for what was refused', () => {
    const { accepted: _, ...refused } = whole()
    const deliveries = [{ at: began, answeredAt: began, status: 503 }]
    expect(judge({ ...refused, deliveries }).broken).toEqual(['refused'])
    // Where one of its deliveries got no answer, nobody knows.
    const doubtful = [...deliveries, { at: began, answeredAt: began, status: undefined }]
    expect(judge({ ...refused, deliveries: doubtful }).broken).toEqual([])
  })

  it('have an event for a silent call', () => {
    const { accepted: _, ...silent } = whole({ mode: 'silent' })
    expect(judge({ ...silent, deliveries: [{ at: began, answeredAt: began, status: 200 }] }).broken).toEqual([
      'refused',
    ])
  })

  it('have nothing for a silent call that was answered 200', () => {
    const { accepted: _, ...silent } = accepted({ mode: 'silent' })
    expect(judge({ ...silent, deliveries: [{ at: began, answeredAt: began, status: 200 }] }).broken).toEqual(['done'])
  })

  it('have an event for nobody', () => {
    const entry = whole()
    sent({ ...entry, call: { ...entry.call, id: crypto.randomUUID() } }, 'finished')
    expect(judge(entry).broken).toEqual(['stray'])
  })

  it('have a toxic left', () => {
    store.run('INSERT INTO proxies (name, proxy) VALUES (?, ?)', 'shop-db', JSON.stringify({ toxics: [{}] }))
    expect(judge(whole()).broken).toEqual(['left'])
  })
})

it('a wrong call that is not refused as it must be is told', () => {
  const { accepted: _, ...wrong } = accepted({ refused: 401 })
  const answered = (status: number) =>
    judge({ ...wrong, deliveries: [{ at: began, answeredAt: began, status }] }).broken
  expect([answered(401), answered(404), answered(503)]).toEqual([[], ['wrong'], []])
})

describe('a task that ends after its deadline', () => {
  const late = (seconds: number) => {
    const entry = accepted({ sendStarted: false })
    opened(entry)
    sent(entry, 'finished', secondsIn(30 + seconds))
    return entry
  }

  it('is late, but for a poll', () => {
    expect(judge(late(9))).toMatchObject({ broken: [], late: { tasks: 1, most: 9_000, mostOwn: 9_000 } })
    store.run('DELETE FROM events')
    expect(judge(late(11)).broken).toContain('deadline')
  })

  it('is not late by the time for which the runtime was down', () => {
    const down = [{ begin: secondsIn(20), end: secondsIn(35) }]
    expect(judge(late(14), { downs: down })).toMatchObject({ broken: [], late: { most: 14_000, mostOwn: 9_000 } })
  })

  it('is not late by what its clock was set back', () => {
    const backSteps = [{ at: secondsIn(10), by: 6_000 }]
    expect(judge(late(14), { backSteps })).toMatchObject({ broken: [], late: { mostOwn: 8_000 } })
  })

  it('is not late by the time for which Keptn refused, and a while after', () => {
    asked('503', secondsIn(31))
    asked(null, secondsIn(33))
    expect(judge(late(14))).toMatchObject({ broken: [], late: { mostOwn: 2_000 } })
  })
})
