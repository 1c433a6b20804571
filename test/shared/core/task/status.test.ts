import { beforeEach, describe, expect, it } from '@jest/globals'
import { issueTicketing } from '../../../../functions/issue-ticketing/index.ts'
import { awsOperation, type Call, ok, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { interactiveTask } from '../interactive-task.ts'
import { lambdaError, request, startAws, tokensOf } from '../webhook.ts'

/** The operations that were called, in order. */
let asked: string[]
/** The ARN in the table. Undefined if the webhook crashed before it was saved. */
let noted: string | undefined
/** The start of the task in the table. */
let saved: { caller?: string; started?: string }
let isMarked: boolean
/** The executions that Lambda has not deleted. */
let known: string[]
let status: string
let events: object[]
let broken: string | undefined
/** How many requests of the caller have waited in this minute. */
let waits: number

const taskId = '0123456789abcdef0123456789abcdef01234567'
const arn = `arn:aws:lambda:eu-west-1:0:function:f:1/durable-execution/${taskId}/first`
const laterArn = arn.replace('first', 'later')
const outcome = { status: 'succeeded', result: 'warning', message: 'Opened issue 7', data: {}, links: {} }
const payload = interactiveTask({ id: taskId, caller: 'alice' })
const callers = {
  alice: { tokens: tokensOf('token-of-alice'), categories: ['issue-ticketing'], orchestrator: 'k' },
  bob: { tokens: tokensOf('token-of-bob'), categories: ['*'], orchestrator: 'k', reads: 'own' },
  operator: { tokens: tokensOf('token-of-operator'), categories: ['*'], reads: 'all' },
}

function operationOf(call: Call): string {
  if (call.path.includes('/functions/')) return 'List'
  return awsOperation(call) ?? (call.path.includes('/history') ? 'History' : 'Get')
}

function answer(call: Call): Reply {
  const { path, query, body } = call
  const operation = operationOf(call)
  asked.push(operation)
  if (operation === broken) return lambdaError(400, 'AccessDeniedException')
  if (operation === 'GetItem') {
    const { S: key } = (body as { Key: { id: { S: string } } }).Key.id
    if (key === `task-end#issue-ticketing#${taskId}`) {
      asked.splice(-1, 1, 'Mark')
      if (broken === 'Mark') return lambdaError(400, 'AccessDeniedException')
      return ok(isMarked ? { Item: { id: { S: key } } } : {})
    }
    expect(key).toBe(`task#issue-ticketing#${taskId}`)
    const strings = Object.entries({ arn: noted, ...saved }).filter(([, value]) => value !== undefined)
    return ok({ Item: Object.fromEntries(strings.map(([name, value]) => [name, { S: value }])) })
  }
  const execution = { DurableExecutionName: taskId, FunctionArn: 'f', Status: status }
  if (operation === 'UpdateItem') return ok({ Attributes: { calls: { N: String(waits) } } })
  if (operation === 'List') {
    const found = known.map((DurableExecutionArn) => ({ ...execution, DurableExecutionArn, StartTimestamp: 1 }))
    return ok({ DurableExecutions: found })
  }
  if (operation === 'History') {
    expect(query.get('ReverseOrder')).toBe('true')
    return ok({ Events: events })
  }
  if (!known.some((one) => path.includes(one))) return lambdaError(400, 'ResourceNotFoundException')
  return ok({
    ...execution,
    DurableExecutionArn: arn,
    InputPayload: JSON.stringify(payload),
    StartTimestamp: Date.parse('2026-11-27T12:00:00Z') / 1_000,
    ...(status === 'RUNNING' ? {} : { EndTimestamp: Date.parse('2026-11-27T12:01:00Z') / 1_000 }),
    ...(status === 'SUCCEEDED' ? { Result: JSON.stringify({ taskId, outcome }) } : {}),
  })
}

startAws({ callers }, answer)
beforeEach(() => {
  asked = []
  noted = arn
  saved = {}
  isMarked = false
  known = [arn]
  status = 'RUNNING'
  events = []
  broken = undefined
  waits = 1
})

async function read(caller: keyof typeof callers, id = taskId, query: Record<string, string> | null = null) {
  const path = `/issue-ticketing/tasks/${id}`
  const headers = { authorization: `Bearer token-of-${caller}` }
  const sent = { httpMethod: 'GET', path, headers, queryStringParameters: query }
  const response = await request(issueTicketing, sent)
  return { status: response.statusCode, headers: response.headers, body: response.json }
}

describe('A task status can be read by', () => {
  it.each(['alice', 'operator'] as const)('who started the task, and who reads all tasks: %s', async (caller) => {
    expect(await read(caller)).toMatchObject({ status: 200, body: { taskId } })
  })

  it('no other caller, who gets the response of an unknown task', async () => {
    const others = await read('bob')
    known = []
    noted = undefined
    expect(others).toEqual(await read('bob'))
    expect(others.status).toBe(404)
  })
})

describe('A task status finds its execution by', () => {
  it('the ARN in the table, without a search', async () => {
    expect((await read('alice')).status).toBe(200)
    expect(asked).toEqual(['GetItem', 'Get', 'History'])
  })

  it('a search if the ARN was never saved', async () => {
    noted = undefined
    expect((await read('alice')).status).toBe(200)
    expect(asked).toEqual(['GetItem', 'List', 'Get', 'History'])
  })

  it('a search if the table cannot be read', async () => {
    broken = 'GetItem'
    expect((await read('alice')).status).toBe(200)
  })

  it('a search if Lambda deleted the saved execution', async () => {
    known = [laterArn]
    expect((await read('alice')).status).toBe(200)
    known = []
    expect((await read('alice')).status).toBe(404)
  })

  it('nothing if Lambda is not available, which returns 503', async () => {
    broken = 'Get'
    expect(await read('alice')).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
  })
})

describe('The status', () => {
  it('of a running task contains its wait and Retry-After', async () => {
    const error = { Payload: { ErrorMessage: 'connect ECONNREFUSED' } }
    const StepFailedDetails = { Error: error, RetryDetails: { NextAttemptDelaySeconds: 60 } }
    const failed = { EventType: 'StepFailed', EventId: 3, Id: '2', Name: 'start', EventTimestamp: 1_764_244_800 }
    events = [{ ...failed, StepFailedDetails }]
    const { headers, body } = await read('alice')
    expect(body).toEqual({
      taskId,
      category: 'issue-ticketing',
      action: 'open-issue',
      state: 'running',
      verdict: 'running',
      progress: expect.stringMatching(/^Waiting for the next attempt at .*UTC: connect ECONNREFUSED$/),
      acceptedAt: '2026-11-27T12:00:00.000Z',
      deadlineAt: '2026-11-27T13:00:00.000Z',
    })
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(2)
  })

  it('of a running task without a readable history has no progress', async () => {
    broken = 'History'
    expect(await read('alice')).toMatchObject({ status: 200, body: { state: 'running', progress: '' } })
  })

  it('of a finished task contains its outcome', async () => {
    status = 'SUCCEEDED'
    const { headers, body } = await read('alice')
    expect(body).toMatchObject({ state: 'finished', verdict: 'warning', progress: '', outcome })
    expect(body.endedAt).toBe('2026-11-27T12:01:00.000Z')
    expect(headers['retry-after']).toBeUndefined()
    expect(asked).not.toContain('History')
  })

  it('that a caller waits for is read until the task ends', async () => {
    setTimeout(() => {
      status = 'SUCCEEDED'
    }, 10)
    expect((await read('alice', taskId, { wait: '25' })).body).toMatchObject({ state: 'finished', verdict: 'warning' })
  })

  it('that a caller waits for is that of a running task after the wait', async () => {
    expect((await read('alice', taskId, { wait: '0' })).body).toMatchObject({ state: 'running' })
    expect((await read('alice', taskId, { wait: '1' })).body).toMatchObject({ state: 'running' })
  })

  it('that a caller waits for too often is returned after a second, so that it leaves functions to others', async () => {
    waits = 21
    expect((await read('alice', taskId, { wait: '25' })).body).toMatchObject({ state: 'running' })
    // A second is not longer than the pause between two reads.
    expect(asked.filter((operation) => operation === 'Get')).toHaveLength(1)
  })

  it.each(['26', '-1', 'soon', '1.5'])('is refused with wait=%s', async (wait) => {
    expect(await read('alice', taskId, { wait })).toMatchObject({ status: 400, body: { errors: [{ path: 'wait' }] } })
  })

  it('of a task that Lambda ended is errored', async () => {
    status = 'TIMED_OUT'
    expect((await read('alice')).body).toMatchObject({ state: 'failed', verdict: 'errored', progress: '' })
  })
})

describe('A task that marks its end', () => {
  const started = {
    taskId,
    category: 'issue-ticketing',
    state: 'running',
    verdict: 'running',
    progress: '',
    acceptedAt: '2026-11-27T12:00:00.000Z',
    deadlineAt: '2026-11-27T13:00:00.000Z',
  }
  const reads = () => asked.filter((operation) => operation === 'Get')

  beforeEach(() => {
    saved = { caller: 'alice', started: JSON.stringify(started) }
  })

  it('is read from Lambda only at the end of a wait', async () => {
    expect((await read('alice', taskId, { wait: '3' })).body).toMatchObject({
      state: 'running',
      acceptedAt: expect.any(String),
    })
    expect(asked.filter((operation) => operation === 'Mark').length).toBeGreaterThan(1)
    expect(reads()).toHaveLength(1)
  })

  it('is read from Lambda when the marker is there', async () => {
    status = 'SUCCEEDED'
    isMarked = true
    expect((await read('alice', taskId, { wait: '25' })).body).toMatchObject({ state: 'finished', outcome })
    expect(reads()).toHaveLength(1)
  })

  it('is read until its execution has ended, too', async () => {
    isMarked = true
    setTimeout(() => {
      status = 'SUCCEEDED'
    }, 10)
    expect((await read('alice', taskId, { wait: '25' })).body).toMatchObject({ state: 'finished', outcome })
  })

  it('is read as before if the marker cannot be read', async () => {
    status = 'SUCCEEDED'
    broken = 'Mark'
    expect((await read('alice', taskId, { wait: '25' })).body).toMatchObject({ state: 'finished', outcome })
  })

  it.each(['alice', 'operator'] as const)(
    'runs, as far as is known to %s, while Lambda refuses more reads',
    async (caller) => {
      broken = 'Get'
      const { status: code, headers, body } = await read(caller)
      expect({ code, body }).toEqual({ code: 200, body: started })
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(2)
    },
  )

  it('does not run, as far as is known, if the marker says that it has ended', async () => {
    broken = 'Get'
    isMarked = true
    expect(await read('alice')).toMatchObject({ status: 503 })
  })

  it('is not known to another caller, also while Lambda refuses more reads', async () => {
    expect((await read('bob', taskId, { wait: '25' })).status).toBe(404)
    broken = 'Get'
    expect((await read('bob')).status).toBe(503)
  })
})
