import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { Context, SQSEvent } from 'aws-lambda'
import { awsOperation, type Call, ok, type Reply, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { callKeyOf, digestOf } from '../../../shared/dispatch/call-key.ts'
import { dispatchHandler } from '../../../shared/dispatch/handler.ts'
import type { AlertMessage, GroupMessage } from '../../../shared/events/queue.ts'
import { itemKeys } from '../../../shared/state/item-keys.ts'
import { get } from '../../../shared/state/table.ts'
import { forward, startTable } from '../../functions/load-testing/table.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const eventsFile = join(temporaryFolder(), 'events.json')
const group = { by: 'service', max: 2, per: 60, input: "{title: join('', ['And ', to_string(more), ' of ', group])}" }
const rules = [
  { name: 'open', source: 'alerts', call: 'issue-ticketing/open-issue' },
  { name: 'notify', source: 'alerts', call: 'notification/send-message' },
  { name: 'close', source: 'alerts', call: 'issue-ticketing/close-issue', closes: 'open' },
  { name: 'grouped', source: 'alerts', call: 'issue-ticketing/open-issue', group },
  {
    name: 'failing',
    source: 'alerts',
    call: 'issue-ticketing/open-issue',
    group: { ...group, input: "{title: join('', [more])}" },
  },
]
writeFileSync(eventsFile, JSON.stringify({ sources: { alerts: { type: 'http', wakes: [] } }, rules }))

/** The AWS services that the function calls. The table is a real one, the webhook starts one task for each id. */
let aws: Served
let table: Awaited<ReturnType<typeof startTable>>
beforeAll(async () => {
  table = await startTable()
  aws = await serve(answer)
  for (const service of ['DYNAMODB', 'LAMBDA', 'SQS']) process.env[`AWS_ENDPOINT_URL_${service}`] = aws.url
  process.env['AWS_MAX_ATTEMPTS'] = '1'
  process.env['WEBHOOKS_EVENTS_FILE'] = eventsFile
  process.env['WEBHOOKS_ALERT_QUEUE'] = 'alerts'
  process.env['WEBHOOKS_ALERT_DEAD_LETTERS'] = 'dead-letters'
  const names = ['issue-ticketing', 'notification'].map((name) => [name, `${name}-webhook:events`])
  process.env['WEBHOOKS_WEBHOOK_FUNCTIONS'] = JSON.stringify(Object.fromEntries(names))
})
afterAll(async () => {
  await aws.close()
  await table.close()
})

/** The inputs of all tasks. A call with another input is another call. */
const tasks = new Map<string, Record<string, unknown>>()
/** The state of the tasks that open something. */
let isOpening = false
/** Refuses all calls. */
let refusal: { message: string; isTransient: boolean; retryAfter?: number } | undefined
let sent: { queue: string; body: string }[] = []
let pauses: number[] = []
/** Ends the function at a request: before it is carried out, or before its response. */
let crash: { at: number; isDone: boolean } | undefined
let requests = 0
/** The remaining time of the function, each time that it is read. */
let timeLeft: number[] = []
beforeEach(() => {
  timeLeft = []
  tasks.clear()
  isOpening = false
  refusal = undefined
  sent = []
  pauses = []
  crash = undefined
})

async function answer(call: Call): Promise<Reply> {
  requests += 1
  const isCrash = crash?.at === requests
  if (isCrash && !crash?.isDone) return { status: 500, body: { __type: 'Crash' } }
  const reply = await carryOut(call)
  return isCrash ? { status: 500, body: { __type: 'Crash' } } : reply
}

function carryOut(call: Call): Promise<Reply> | Reply {
  const operation = awsOperation(call)
  const body = call.body as Record<string, unknown>
  if (String(call.headers['x-amz-target']).startsWith('DynamoDB')) return forward(table.endpoint, call)
  if (operation === 'SendMessage') sent.push({ queue: String(body['QueueUrl']), body: String(body['MessageBody']) })
  if (operation === 'ChangeMessageVisibility') pauses.push(Number(body['VisibilityTimeout']))
  if (operation !== undefined) return ok({})
  if (refusal) return ok({ refusal })
  if (body['taskId'] !== undefined)
    return ok({
      status: isOpening
        ? { state: 'running' }
        : { state: 'finished', outcome: { data: { id: `T-${body['taskId']}` } } },
    })
  const taskId = `task of ${JSON.stringify([body['id'], body['input']])}`
  tasks.set(taskId, { action: body['action'], ...(body['input'] as object) })
  return ok({ taskId })
}

const handler = dispatchHandler()
const context = { getRemainingTimeInMillis: () => timeLeft.shift() ?? 60_000 } as Context

/** Handles a message once. Returns whether it is deleted. */
async function handle(message: AlertMessage | GroupMessage, receives = 1): Promise<boolean> {
  const record = {
    messageId: 'm',
    receiptHandle: 'r',
    body: JSON.stringify(message),
    attributes: { ApproximateReceiveCount: String(receives) },
  }
  requests = 0
  const { batchItemFailures } = await handler({ Records: [record] } as unknown as SQSEvent, context)
  return batchItemFailures.length === 0
}

let last = 0
function nextKey(): string {
  last += 1
  return `alert-${last}`
}
const firing = (key: string, more: Partial<AlertMessage> = {}): AlertMessage => ({
  source: 'alerts',
  event: 'alert',
  delivery: 'd',
  key,
  state: 'firing',
  calls: [
    { rule: 'open', input: { title: key } },
    { rule: 'notify', input: { text: key } },
  ],
  ...more,
})
const resolved = (key: string, more: Partial<AlertMessage> = {}): AlertMessage =>
  firing(key, { state: 'resolved', calls: [{ rule: 'close', input: { comment: 'Over' } }], ...more })
const actions = () => [...tasks.values()].map(({ action }) => action)

describe('An alert', () => {
  it('starts each call once, even if the function ends at any request', async () => {
    const count = async (message: AlertMessage) => {
      expect(await handle(message)).toBe(true)
      return requests
    }
    const key = nextKey()
    const [atStart, atEnd] = [await count(firing(key)), await count(resolved(key))]
    expect(actions()).toEqual(['open-issue', 'send-message', 'close-issue'])
    for (const isDone of [false, true])
      for (let at = 1; at <= Math.max(atStart, atEnd); at++) {
        tasks.clear()
        const message = nextKey()
        for (const alert of [firing(message), resolved(message)]) {
          crash = { at, isDone }
          await handle(alert)
          crash = undefined
          // The sender repeats the notification with another text, and the queue delivers the first message again.
          const repeat = {
            ...alert,
            calls: alert.calls.map((call) => ({ ...call, input: { ...call.input, more: 'x' } })),
          }
          for (const again of [repeat, alert, repeat]) await handle(again)
        }
        expect({ isDone, at, actions: actions().sort() }).toEqual({
          isDone,
          at,
          actions: ['close-issue', 'open-issue', 'send-message'],
        })
      }
  })

  it('is closed with the id of what it opened', async () => {
    const key = nextKey()
    await handle(firing(key))
    await handle(resolved(key))
    const opened = [...tasks.keys()][0]
    expect([...tasks.values()].at(-1)).toEqual({ action: 'close-issue', id: `T-${opened}`, comment: 'Over' })
  })

  it('is stored while it repeats', async () => {
    const key = nextKey()
    const start = Date.now()
    const clock = jest.spyOn(Date, 'now')
    const items = [
      itemKeys.alert('alerts', digestOf(key)),
      ...['open', 'notify'].map((rule) => itemKeys.alertCall('alerts', digestOf(callKeyOf(firing(key), rule, 0)))),
    ]
    // It is stored for 90 days, and renewed when less than 60 are left.
    for (const [day, deletedOn] of [
      [0, 90],
      [20, 90],
      [40, 130],
      [80, 170],
    ] as const) {
      clock.mockReturnValue(start + day * 86_400_000)
      await handle(firing(key))
      const stored = await Promise.all(items.map((item) => get(item)))
      const expiration = Math.floor((start + deletedOn * 86_400_000) / 1_000)
      expect(stored.map((item) => item?.['expiration'])).toEqual(items.map(() => expiration))
    }
    expect(actions()).toEqual(['open-issue', 'send-message'])
  })

  it('waits for the task that opens it', async () => {
    const key = nextKey()
    await handle(firing(key))
    isOpening = true
    expect(await handle(resolved(key), 3)).toBe(false)
    expect(pauses).toEqual([8])
    isOpening = false
    expect(await handle(resolved(key), 4)).toBe(true)
    expect(actions()).toContain('close-issue')
  })

  it('opens nothing after its end', async () => {
    const key = nextKey()
    expect(await handle(resolved(key))).toBe(true)
    expect(await handle(firing(key))).toBe(true)
    expect(actions()).toEqual([])
  })

  it('closes nothing if the opening call was refused', async () => {
    const key = nextKey()
    refusal = { message: 'No', isTransient: false }
    expect(await handle(firing(key))).toBe(true)
    expect(sent).toEqual([{ queue: 'dead-letters', body: JSON.stringify(firing(key)) }])
    refusal = undefined
    expect(await handle(resolved(key))).toBe(true)
    expect(actions()).toEqual([])
    // Out of the dead letters: nothing would close what it opens.
    await handle(firing(key))
    expect(actions()).toEqual(['send-message'])
  })

  it('opens nothing that its end has not found', async () => {
    const key = nextKey()
    // Ends the function before it stores the call that opens something.
    aws.failNext(500, {}, { on: (call) => JSON.stringify(call.body).includes('alert-call#') })
    expect(await handle(firing(key))).toBe(false)
    expect(await handle(resolved(key))).toBe(true)
    expect(await handle(firing(key), 2)).toBe(true)
    expect(actions()).toEqual(['send-message'])
  })

  it('makes its other calls while one waits', async () => {
    const key = nextKey()
    await handle(firing(key))
    isOpening = true
    const calls = [
      { rule: 'close', input: {} },
      { rule: 'notify', input: { text: 'Over' } },
    ]
    expect(await handle(resolved(key, { calls }))).toBe(false)
    expect(actions()).toEqual(['open-issue', 'send-message', 'send-message'])
    isOpening = false
    expect(await handle(resolved(key, { calls }), 2)).toBe(true)
    expect(actions()).toEqual(['open-issue', 'send-message', 'send-message', 'close-issue'])
  })

  it('returns to the queue soon if the function has no time left', async () => {
    timeLeft = [60_000, 60_000, 20_000]
    const key = nextKey()
    expect(await handle(firing(key))).toBe(false)
    expect(actions()).toEqual(['open-issue'])
    timeLeft = [20_000]
    expect(await handle(firing(key))).toBe(false)
    expect(pauses).toEqual([2, 2])
  })

  it('stays in the queue if its refusal cannot be stored', async () => {
    refusal = { message: 'No', isTransient: false }
    aws.failNext(500, {}, { on: (call) => awsOperation(call) === 'SendMessage' })
    expect(await handle(firing(nextKey()))).toBe(false)
  })

  it('waits as long as the webhook says, or longer and longer', async () => {
    refusal = { message: 'Too many', isTransient: true, retryAfter: 17 }
    expect(await handle(firing(nextKey()))).toBe(false)
    refusal = { message: 'Down', isTransient: true }
    for (const receives of [1, 2, 20]) expect(await handle(firing(nextKey()), receives)).toBe(false)
    expect(pauses).toEqual([17, 2, 4, 900])
    expect(sent).toEqual([])
  })

  it('waits for days although the webhook always says seconds', async () => {
    refusal = { message: 'Too many', isTransient: true, retryAfter: 5 }
    // Pauses never become shorter, so a pause holds for all attempts until the next one here.
    const attempts = [...Array.from({ length: 20 }, (_, at) => at + 1), 30, 40, 50, 60, 70, 80, 90, 99, 500]
    for (const receives of attempts) expect(await handle(firing('waits for days'), receives)).toBe(false)
    expect(pauses.slice(0, 20)).toEqual(Array(20).fill(5))
    expect(pauses).toEqual(pauses.toSorted((first, second) => first - second))
    const seconds = attempts.map((attempt, at) => (pauses[at] ?? 0) * ((attempts[at + 1] ?? 1_000) - attempt))
    expect(seconds.reduce((sum, pause) => sum + pause)).toBeGreaterThan(9 * 86_400)
  })

  it('is closed for the occurrence that has ended, even if it fires again while its task runs', async () => {
    const key = nextKey()
    const at = Date.parse('2026-11-30T10:00:00Z')
    isOpening = true
    for (const start of [at, at + 2_000]) {
      await handle(firing(key, { at: start }))
      expect(await handle(resolved(key, { at: start + 1_000 }))).toBe(false)
    }
    await handle(firing(key, { at: at + 4_000 }))
    isOpening = false
    for (const end of [at + 1_000, at + 3_000, at + 1_000]) expect(await handle(resolved(key, { at: end }))).toBe(true)
    expect(actions().filter((action) => action === 'close-issue')).toHaveLength(2)
    expect(actions().filter((action) => action === 'open-issue')).toHaveLength(3)
  })

  it('makes a call that its webhook did not answer, even if the alert has fired again', async () => {
    const key = nextKey()
    const at = Date.parse('2026-11-30T10:00:00Z')
    refusal = { message: 'Down', isTransient: true }
    expect(await handle(firing(key, { at }))).toBe(false)
    refusal = undefined
    expect(await handle(resolved(key, { at: at + 1_000 }))).toBe(false)
    await handle(firing(key, { at: at + 2_000 }))
    expect(await handle(firing(key, { at }), 2)).toBe(true)
    expect(await handle(resolved(key, { at: at + 1_000 }), 2)).toBe(true)
    expect(actions()).toContain('close-issue')
  })

  it('that started and ended in the same second is called for again if it fires again', async () => {
    const key = nextKey()
    const at = Date.parse('2026-11-30T10:00:00Z')
    for (const message of [firing(key, { at }), resolved(key, { at }), firing(key, { at: at + 60_000 })])
      expect(await handle(message)).toBe(true)
    expect(actions().filter((action) => action === 'open-issue')).toHaveLength(2)
  })

  it('that fired again before its end arrives late is called for again, with what fired, even if the function ends at any request', async () => {
    const at = Date.parse('2026-11-30T10:00:00Z')
    const later = at + 120_000
    const again = (key: string) => firing(key, { at: later, calls: [{ rule: 'open', input: { title: 'Again' } }] })
    for (const isDone of [false, true]) {
      let reached = true
      for (let request = 1; reached; request++) {
        tasks.clear()
        const key = nextKey()
        expect(await handle(firing(key, { at }))).toBe(true)
        reached = false
        for (const message of [again(key), resolved(key, { at: at + 60_000 })]) {
          crash = { at: request, isDone }
          await handle(message)
          reached ||= requests >= request
          crash = undefined
          for (let attempt = 2; !(await handle(message, attempt)); attempt++) expect(attempt).toBeLessThan(5)
        }
        const opened = [...tasks.values()].filter(({ action }) => action === 'open-issue')
        const closed = [...tasks.values()].filter(({ action }) => action === 'close-issue')
        expect({ request, isDone, opened: opened.map(({ title }) => title), closed: closed.length }).toEqual({
          request,
          isDone,
          opened: [key, 'Again'],
          closed: 1,
        })
        expect(await handle(resolved(key, { at: later + 60_000 }))).toBe(true)
        expect(actions().filter((action) => action === 'close-issue')).toHaveLength(2)
      }
    }
  })

  it('that fired again before its end arrives late is called for later, if the webhook refuses it first', async () => {
    const key = nextKey()
    const at = Date.parse('2026-11-30T10:00:00Z')
    for (const message of [firing(key, { at }), firing(key, { at: at + 120_000 })]) await handle(message)
    const end = resolved(key, { at: at + 60_000 })
    refusal = { message: 'Down', isTransient: true }
    expect(await handle(end)).toBe(false)
    refusal = undefined
    expect(await handle(end, 2)).toBe(true)
    expect(actions().filter((action) => action === 'open-issue')).toHaveLength(2)
    expect(actions().filter((action) => action === 'close-issue')).toHaveLength(1)
  })

  it('that is open under the key of an earlier version is closed, and fires then under the new key', async () => {
    const formerKey = `${nextKey()}/2026-11-30T10:00:00Z`
    const at = Date.parse('2026-11-30T10:00:00Z')
    const key = nextKey()
    await handle(firing(formerKey))
    expect(await handle(firing(key, { formerKey, at }))).toBe(true)
    expect(actions()).toEqual(['open-issue', 'send-message'])
    expect(await handle(resolved(key, { formerKey, at: at + 60_000 }))).toBe(true)
    expect(actions()).toEqual(['open-issue', 'send-message', 'close-issue'])
    expect(await handle(firing(key, { formerKey: `${formerKey}/next`, at: at + 120_000 }))).toBe(true)
    expect(await handle(resolved(key, { formerKey: `${formerKey}/next`, at: at + 180_000 }))).toBe(true)
    expect(actions().filter((action) => action === 'close-issue')).toHaveLength(2)
  })

  it('is closed with the id of what it opened, even if the input of the rule has another one', async () => {
    const key = nextKey()
    await handle(firing(key))
    await handle(resolved(key, { calls: [{ rule: 'close', input: { id: 'demo/shop#19', comment: 'Over' } }] }))
    const [opened] = tasks.keys()
    expect([...tasks.values()].at(-1)).toEqual({ action: 'close-issue', id: `T-${opened}`, comment: 'Over' })
  })

  it('is called for again if its key fires again', async () => {
    const key = nextKey()
    const at = Date.parse('2026-11-30T10:00:00Z')
    for (const message of [
      firing(key, { at }),
      firing(key, { at: at + 1_000 }),
      resolved(key, { at: at + 2_000 }),
      firing(key, { at: at + 500 }),
      firing(key, { at: at + 3_000 }),
      resolved(key, { at: at + 2_000 }),
      firing(key, { at: at + 3_000 }),
      resolved(key, { at: at + 4_000 }),
    ])
      await handle(message)
    expect(actions().sort()).toEqual([
      'close-issue',
      'close-issue',
      'open-issue',
      'open-issue',
      'send-message',
      'send-message',
    ])
  })
})

describe('A group', () => {
  const grouped = (key: string, value: string) =>
    firing(key, { calls: [{ rule: 'grouped', input: { title: key }, group: value }] })

  it('makes a limited number of calls, and one for all others at the end of the period', async () => {
    const keys = Array.from({ length: 7 }, nextKey)
    for (let time = 0; time < 2; time++) for (const key of keys) await handle(grouped(key, 'shop'))
    expect([...tasks.values()].map(({ title }) => title)).toEqual(keys.slice(0, 2))
    const [{ body = '' } = {}, ...others] = sent
    expect(others).toEqual([])
    expect(await handle(JSON.parse(body))).toBe(false)
    expect(pauses.at(-1)).toBeGreaterThan(0)
    const later = Date.now() + 61_000
    const clock = jest.spyOn(Date, 'now').mockReturnValue(later)
    for (let time = 0; time < 2; time++) expect(await handle(JSON.parse(body))).toBe(true)
    expect([...tasks.values()].at(-1)).toEqual({ action: 'open-issue', title: 'And 5 of shop' })
    expect(tasks.size).toBe(3)
    // The next period has places again, but not for alerts that were counted.
    const next = nextKey()
    for (const key of [...keys, next]) await handle(grouped(key, 'shop'))
    clock.mockRestore()
    expect([...tasks.values()].slice(3)).toEqual([{ action: 'open-issue', title: next }])
  })

  it('makes each call once and counts each other alert once, even if the function ends at any request', async () => {
    const isOneFewer: boolean[] = []
    // The alert that was interrupted is handled again, in the same period or in the next one.
    for (const isLater of [false, true])
      for (const isDone of [false, true]) {
        let reached = true
        for (let at = 1; reached; at++) {
          tasks.clear()
          sent = []
          const value = `value-${isLater}-${isDone}-${at}`
          const keys = Array.from({ length: 4 }, nextKey)
          const startedAt = Date.now()
          const clock = jest.spyOn(Date, 'now').mockReturnValue(startedAt)
          for (const key of keys.slice(0, 2)) await handle(grouped(key, value))
          crash = { at, isDone }
          const [interrupted, next] = keys.slice(2).map((key) => grouped(key, value)) as [AlertMessage, AlertMessage]
          await handle(interrupted)
          reached = requests >= at
          crash = undefined
          if (isLater) clock.mockReturnValue(startedAt + 61_000)
          for (const message of [interrupted, next]) expect(await handle(message, 2)).toBe(true)
          clock.mockReturnValue(startedAt + 200_000)
          const ends = new Set(sent.filter(({ queue }) => queue === 'alerts').map(({ body }) => body))
          for (const body of ends) expect(await handle(JSON.parse(body))).toBe(true)
          clock.mockRestore()
          const titles = [...tasks.values()].map(({ title }) => String(title))
          expect({ at, own: titles.slice(0, 2) }).toEqual({ at, own: keys.slice(0, 2) })
          const counted = titles.slice(2).map((title) => Number(/^And (\d+)/.exec(title)?.[1] ?? 1))
          const sum = counted.reduce((sum, count) => sum + count, 0)
          // The function may end between the two requests that count an alert.
          isOneFewer.push(sum === 1)
          expect({ at, isCounted: sum === 2 || sum === 1 }).toEqual({ at, isCounted: true })
        }
      }
    expect(isOneFewer.filter(Boolean).length).toBeLessThanOrEqual(4)
  })

  it('is refused at once if the expression for its input fails', async () => {
    const message = { source: 'alerts', rule: 'failing', group: 'shop', start: 0 }
    expect(await handle(message)).toBe(true)
    expect(sent).toEqual([{ queue: 'dead-letters', body: JSON.stringify(message) }])
    expect(pauses).toEqual([])
  })

  it('closes nothing for an alert that made no call of its own', async () => {
    const closing = rules.map((rule) => (rule.name === 'close' ? { ...rule, closes: 'grouped' } : rule))
    const other = `${eventsFile}.other`
    writeFileSync(other, JSON.stringify({ sources: { alerts: { type: 'http', wakes: [] } }, rules: closing }))
    process.env['WEBHOOKS_EVENTS_FILE'] = other
    const keys = Array.from({ length: 3 }, nextKey)
    for (const key of keys) await handle(grouped(key, 'cart'))
    for (const key of keys) expect(await handle(resolved(key))).toBe(true)
    process.env['WEBHOOKS_EVENTS_FILE'] = eventsFile
    expect(actions()).toEqual(['open-issue', 'open-issue', 'close-issue', 'close-issue'])
  })
})
