import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { categories } from '../../../functions/index.ts'
import { issueTicketing } from '../../../functions/issue-ticketing/index.ts'
import { closeServer, listen } from '../../../infra/local/port.ts'
import { executionOf } from '../../../shared/core/task/execution.ts'
import { webhookHandler } from '../../../shared/core/webhook/handler.ts'
import * as alertCalls from '../../../shared/state/alert-calls.ts'
import * as alertGroups from '../../../shared/state/alert-groups.ts'
import { readAlertTimes, saveAlertTimes } from '../../../shared/state/alerts.ts'
import * as approvals from '../../../shared/state/approvals.ts'
import { claimCallKey } from '../../../shared/state/call-keys.ts'
import { countCall } from '../../../shared/state/call-rate.ts'
import { claim } from '../../../shared/state/claim.ts'
import { nextGateRun, readGateRun } from '../../../shared/state/gate-runs.ts'
import { itemKeys } from '../../../shared/state/item-keys.ts'
import { readCancellation } from '../../../shared/state/read-cancellation.ts'
import { readLastRun } from '../../../shared/state/read-last-run.ts'
import { changeRunState, readRunState, saveRun } from '../../../shared/state/run-states.ts'
import { saveCancellation } from '../../../shared/state/save-cancellation.ts'
import { saveLastRun } from '../../../shared/state/save-last-run.ts'
import { saveFirstUse } from '../../../shared/state/signed-messages.ts'
import { recordMissedEnd, recordNotification } from '../../../shared/state/source-activity.ts'
import * as startCounts from '../../../shared/state/start-counts.ts'
import { isMarkedAsEnded, markEnd } from '../../../shared/state/task-ends.ts'
import { decideState } from '../../../shared/state/toggles.ts'
import { turnTable } from '../../../shared/state/turn-table.ts'
import * as waiters from '../../../shared/state/waiters.ts'
import { categoryInfos } from './category-infos.ts'
import { functionOf, oneAtATime, root, statementsOf, synthesize, yamlFile } from './synthesize.ts'

/** A DynamoDB operation on one item, as IAM evaluates it. */
interface Access {
  action: string
  key: string
  isConsistent?: boolean
}

/** A fake of AWS and a platform. Records accesses to the table and returns no items. */
const server = createServer((req, res) => void answer(req, res))
let url: string
let accesses: Access[] = []
const taskId = 'a'.repeat(40)
const prefix = 'cloud-automation-webhooks'

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of req) body += chunk
  const [service, operation = ''] = String(req.headers['x-amz-target'] ?? '').split('.')
  const reply = (status: number, json: unknown) =>
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  if (operation === 'GetSecretValue')
    return void reply(200, { SecretString: JSON.stringify(secretOf(JSON.parse(body).SecretId)) })
  if (service?.startsWith('DynamoDB')) {
    const { Key, Item, ConsistentRead: isConsistent } = JSON.parse(body)
    accesses.push({ action: `dynamodb:${operation}`, key: (Key ?? Item).id.S, isConsistent })
    return void reply(200, {})
  }
  if (req.url?.includes('/invocations')) return void res.writeHead(202).end()
  reply(401, { message: 'Bad credentials' })
}

function secretOf(name: string): unknown {
  const secrets: Record<string, unknown> = {
    callers: {
      demo: {
        tokens: [`sha256:${createHash('sha256').update('caller-token').digest('hex')}`],
        categories: ['*'],
        orchestrator: 'k',
      },
    },
    'orchestrators/k': { type: 'keptn', baseUrl: 'https://keptn.example', token: 'keptn-token' },
    'connections/issue-ticketing/default': {
      provider: 'github',
      baseUrl: url,
      token: 'github-token',
      project: 'o/r',
    },
  }
  return secrets[name.slice(prefix.length + 1)] ?? { key: 'k'.repeat(64) }
}

const saved = { ...process.env }
beforeAll(async () => {
  url = await listen(server, 0)
  Object.assign(process.env, {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL: url,
    WEBHOOKS_TASK_FUNCTION: 'arn:aws:lambda:eu-west-1:0:function:task:live',
    WEBHOOKS_STATE_TABLE: 'table',
  })
})
afterAll(async () => {
  process.env = saved
  await closeServer(server)
})

/** Returns the accesses to the table during `run`. */
async function accessesOf(run: () => Promise<unknown>): Promise<Access[]> {
  accesses = []
  await run()
  return accesses
}

/** Calls the webhook of issue-ticketing. */
async function call(mode: string, title = 'T'): Promise<void> {
  const request = {
    httpMethod: 'POST',
    path: '/issue-ticketing/open-issue',
    headers: { authorization: 'Bearer caller-token', 'content-type': 'application/json' },
    multiValueQueryStringParameters: { mode: [mode] },
    body: JSON.stringify({
      id: 'e-1',
      type: 'sh.keptn.event.openticket.triggered',
      shkeptncontext: '1b2c3d4e-0000-4000-8000-000000000000',
      data: { project: 'p', stage: 's', service: 'x' },
      input: { title },
    }),
    isBase64Encoded: false,
    requestContext: { domainName: 'a.example', path: '/v1/issue-ticketing/open-issue' },
  } as unknown as APIGatewayProxyEvent
  const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 } as unknown as Context
  await webhookHandler(issueTicketing)(request, context)
}

const requestApproval = async () => {
  const approval = { connection: 'c', message: { title: 'T' } as never, hasButtons: false, deadlineAt: Date.now() }
  await approvals.saveApproval(taskId, approval, 'callback')
  await approvals.saveCallback(taskId, 'another')
  await approvals.expireApproval(taskId)
  await approvals.readApproval(taskId)
}
const decideApproval = async () => {
  await approvals.readApproval(taskId)
  await approvals.saveDecision(taskId, { decision: 'approve', by: 'me', at: new Date().toISOString() })
}
const useRunState = async () => {
  await saveRun('run', 'running')
  await readRunState('run')
  await changeRunState('run', ['running'], 'stopping')
}
const claimKeyOfAgent = () =>
  claimCallKey({ category: 'ci-cd', caller: 'agent', action: 'trigger-build', key: 'key' }, taskId, 60).catch(() => '')
const startLastRun = () => saveLastRun(itemKeys.lastRun('ci-cd', 'digest'), 'run')
const switchFlag = () => decideState('key', true).catch(() => undefined)
const claimTask = () =>
  claim(itemKeys.finisher('arn:aws:lambda:eu-west-1:0:function:f:1/durable-execution/n/i'), 'me', false)
const useGate = async () => {
  await readGateRun('issue-ticketing', taskId)
  await nextGateRun('issue-ticketing', taskId, 1)
}

const events = yamlFile(
  'item-keys',
  'sources: { github: { type: github, wakes: [ci-cd/default] } }\nrules: [{ name: a, source: github, call: ci-cd/trigger-build }]',
)
const deployed = synthesize({ events }, categoryInfos)
const withPolicy = synthesize({ policy: yamlFile('item-keys-policy', 'rules: [{ name: a, deny: No }]') }, categoryInfos)

/** Evaluates a role as IAM does: a statement must contain the operation, and the key must match. */
function isAllowed(entry: string, category: string, { action, key }: Access, stack = deployed): boolean {
  return statementsOf(stack, functionOf(stack, entry, category)).some(({ Action, Condition }) => {
    if (![Action].flat().includes(action)) return false
    const patterns = [Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? '*'].flat()
    return patterns.some((pattern) => isLike(key, pattern))
  })
}

function isLike(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}

const waitForSource = async () => {
  const task = { category: 'ci-cd', taskId }
  await waiters.saveWaiter('ci-cd', taskId, { callbackId: 'c', startedAt: 0, round: 0 })
  await waiters.addWaitingTask('github', 'run', task)
  await waiters.readWaiter('ci-cd', taskId)
  await waiters.removeWaiter('ci-cd', taskId)
  await waiters.removeWaitingTask('github', 'run', taskId)
  await recordMissedEnd('github')
}
const wakeTasks = async () => {
  await waiters.readWaitingTasks('github', 'run')
  await waiters.readWaiter('ci-cd', taskId)
  await recordNotification('github', 'ping', true)
}
const handleAlert = async () => {
  await readAlertTimes('github', 'digest')
  await saveAlertTimes('github', 'digest', undefined, { opened: 0 })
  await saveAlertTimes('github', 'digest', { opened: 0 }, { opened: 0, closed: 0 })
}
const makeAlertCall = async () => {
  await alertCalls.storeCall('github', 'digest', '{}')
  await alertCalls.readAlertCall('github', 'digest')
  await alertCalls.saveTaskOfCall('github', 'digest', taskId)
  await alertCalls.saveRefusalOfCall('github', 'digest', '{}')
  await alertCalls.saveGroupedCall('github', 'digest', 0)
  await alertCalls.saveCountedCall('github', 'digest')
}
const countAlert = async () => {
  await alertGroups.startOfPeriod('github', 'digest', 60_000).catch(() => 0)
  await alertGroups.takeGroupPlace('github', 'digest', 'member', 1)
  await alertGroups.countOther('github', 'digest', 'member')
  await alertGroups.saveGroupQueued('github', 'digest')
}
const guess = () => call('silent', 'about github-token')
const count = () => countCall('issue-ticketing', 'demo', Date.now())
const readStatus = () => executionOf('issue-ticketing', taskId).catch(() => undefined)
const cancel = () => saveCancellation('issue-ticketing', taskId, { by: 'demo' })
const readCancel = () => readCancellation('issue-ticketing', taskId)
const stopLastRun = () => readLastRun(itemKeys.lastRun('ci-cd', 'digest'))

/** Each access to the table, with its function and the start of its keys. */
const uses: [name: string, entry: string, category: string, run: () => Promise<unknown>, keys: string][] = [
  ['a silent call', 'webhook', 'issue-ticketing', () => call('silent'), 'call#issue-ticketing#'],
  ['an interactive call', 'webhook', 'issue-ticketing', () => call('interactive'), 'task#issue-ticketing#'],
  ['a call with a stored credential', 'webhook', 'issue-ticketing', guess, 'guesses#issue-ticketing#'],
  ['a call of a caller with a limit', 'webhook', 'issue-ticketing', count, 'rate#issue-ticketing#'],
  ['a status request', 'webhook', 'issue-ticketing', readStatus, 'task#issue-ticketing#'],
  ['a call that cancels a task', 'webhook', 'issue-ticketing', cancel, 'cancellation#issue-ticketing#'],
  ['a task that may be canceled', 'task', 'issue-ticketing', readCancel, 'cancellation#issue-ticketing#'],
  ['a gate', 'webhook', 'issue-ticketing', useGate, 'gate#issue-ticketing#'],
  ['a task that waits for approval', 'task', 'notification', requestApproval, 'approval#'],
  ['a decision', 'webhook', 'notification', decideApproval, 'approval#'],
  ['a run within a task', 'task', 'load-testing', useRunState, 'run#'],
  ['a call that stops such a run', 'webhook', 'load-testing', useRunState, 'run#'],
  ['a call of an agent', 'webhook', 'ci-cd', claimKeyOfAgent, 'key#ci-cd#'],
  ['a task that starts a run', 'task', 'ci-cd', startLastRun, 'last-run#ci-cd#'],
  ['a silent call that starts a run', 'webhook', 'ci-cd', startLastRun, 'last-run#ci-cd#'],
  ['a call that stops the last run', 'webhook', 'ci-cd', stopLastRun, 'last-run#ci-cd#'],
  ['a task that switches a flag', 'task', 'remediation', switchFlag, 'toggle#'],
  ['a silent call that switches a flag', 'webhook', 'remediation', switchFlag, 'toggle#'],
  ['an alert', 'dispatch', 'all', handleAlert, 'alert#github#'],
  ['a call for an alert', 'dispatch', 'all', makeAlertCall, 'alert-call#github#'],
  ['a group of alerts', 'dispatch', 'all', countAlert, 'alert-group#github#'],
  ['the finisher', 'finisher', 'all', claimTask, 'finisher#'],
]

const functions = [
  ...categories.flatMap(({ name }) => [
    ['webhook', name],
    ['task', name],
  ]),
  ['finisher', 'all'],
  ['stops', 'all'],
  ['events', 'all'],
  ['dispatch', 'all'],
] as [string, string][]

describe('table items', () => {
  it.each(uses)(
    '%s accesses only items that the role of the %s of %s allows, and no other category',
    async (_name, entry, owner, run, keys) => {
      const made = (await accessesOf(run)).filter(({ key }) => key !== itemKeys.stops)
      expect(made.length).toBeGreaterThan(0)
      for (const access of made) {
        expect(access.key.slice(0, keys.length)).toBe(keys)
        if (access.action === 'dynamodb:GetItem') expect(access.isConsistent).toBe(true)
        expect({ ...access, allowed: isAllowed(entry, owner, access) }).toEqual({ ...access, allowed: true })
        const strangers = functions.filter(([fn, name]) => name !== owner && isAllowed(fn, name, access))
        expect({ ...access, strangers }).toEqual({ ...access, strangers: [] })
      }
    },
  )

  it('the functions of categories may read the stops, and only the function of stops may change them', () => {
    const users = (operation: string) =>
      functions.filter(([fn, name]) => isAllowed(fn, name, { action: `dynamodb:${operation}`, key: itemKeys.stops }))
    const readers = functions.filter(([fn]) => ['webhook', 'task', 'stops'].includes(fn))
    expect(['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'].map(users)).toEqual([readers, [['stops', 'all']], [], []])
  })

  it('a task and the finisher may mark an end, and only the webhook of the category may read the marker', async () => {
    const { name } = issueTicketing
    const ended = { category: name, id: taskId }
    const made = await accessesOf(async () => {
      await markEnd(ended)
      await isMarkedAsEnded(name, taskId)
    })
    const users = made.map((access) => [
      access.action,
      ...functions.filter(([fn, owner]) => isAllowed(fn, owner, access)).map((user) => user.join(' ')),
    ])
    expect(users).toEqual([
      ['dynamodb:PutItem', `task ${name}`, 'finisher all'],
      ['dynamodb:GetItem', `webhook ${name}`],
    ])
  })

  it('a webhook may neither create nor delete an approval', () => {
    for (const action of ['dynamodb:PutItem', 'dynamodb:DeleteItem'])
      expect(isAllowed('webhook', 'notification', { action, key: itemKeys.approval(taskId) })).toBe(false)
  })

  it.each([
    ['a task that waits for a source', 'task', 'ci-cd', waitForSource],
    ['the receiver of notifications', 'events', 'all', wakeTasks],
    ['a call that cancels such a task', 'webhook', 'ci-cd', () => waiters.readWaiter('ci-cd', taskId)],
  ] as const)('%s accesses only items that few roles allow', async (_name, entry, owner, run) => {
    for (const access of await accessesOf(run)) {
      expect({ ...access, allowed: isAllowed(entry, owner, access) }).toEqual({ ...access, allowed: true })
      const users = functions.filter(([fn, name]) => isAllowed(fn, name, access)).map((user) => user.join(' '))
      const isReadOfWaiter = access.action === 'dynamodb:GetItem' && access.key.startsWith('waiter#')
      const sharesRecord = access.key === 'source#github'
      expect({ ...access, users }).toEqual({
        ...access,
        users: isReadOfWaiter
          ? ['webhook ci-cd', 'task ci-cd', 'events all']
          : sharesRecord
            ? ['task ci-cd', 'events all']
            : [`${entry} ${owner}`],
      })
    }
  })

  it('a task of any category may wait for the policy, and a call that cancels it may wake it', async () => {
    const { name } = issueTicketing
    const waits = await accessesOf(async () => {
      await waiters.saveWaiter(name, taskId, { callbackId: 'c', startedAt: 0, round: 0 })
      await waiters.readWaiter(name, taskId)
      await waiters.removeWaiter(name, taskId)
    })
    const users = (access: Access, stack: typeof deployed) =>
      functions
        .filter(([fn, owner]) => !['events', 'dispatch'].includes(fn) && isAllowed(fn, owner, access, stack))
        .map(([fn, owner]) => `${fn} ${owner}`)
    for (const access of waits) {
      const isRead = access.action === 'dynamodb:GetItem'
      expect({ access, users: users(access, withPolicy) }).toEqual({
        access,
        users: [...(isRead ? [`webhook ${name}`] : []), `task ${name}`],
      })
      expect(users(access, deployed)).toEqual([])
    }
    const wakes = ({ Action }: { Action: string | string[] }) =>
      [Action].flat().includes('lambda:SendDurableExecutionCallbackSuccess')
    expect(statementsOf(withPolicy, functionOf(withPolicy, 'webhook', name)).filter(wakes)).toHaveLength(1)
  })

  it('the tasks of a policy with approvals may end them, and only notification and the finisher may wake any task', async () => {
    const asking = synthesize({ policy: yamlFile('item-keys-asking', 'approval: { connection: ops }') }, categoryInfos)
    const others = functions.filter(([fn]) => !['events', 'dispatch'].includes(fn))
    const until = Date.now()
    const vote = { decision: 'approve', by: 'me', at: new Date().toISOString() } as const
    const ends = await accessesOf(async () => {
      await approvals.readApprovalState(taskId, until)
      await approvals.endApproval(taskId, until, undefined)
    })
    for (const access of ends) {
      const users = others.filter(([fn, name]) => isAllowed(fn, name, access, asking)).map(([fn]) => fn)
      // The webhook of notification decides approvals, and creates none.
      const webhooks = access.action === 'dynamodb:PutItem' ? [] : ['webhook']
      expect(users.filter((fn) => fn === 'webhook')).toEqual(webhooks)
      expect(new Set(users)).toEqual(new Set([...webhooks, 'task', 'finisher']))
      expect(isAllowed('task', 'ci-cd', access)).toBe(false)
    }
    for (const access of await accessesOf(() => approvals.saveVote(taskId, 'U0JANE', vote)))
      expect(isAllowed('webhook', 'notification', access, asking)).toBe(true)
    const reads = await accessesOf(() => waiters.readWaiter('slo', taskId))
    for (const access of reads)
      expect(others.filter(([fn, name]) => isAllowed(fn, name, access, asking)).map((user) => user.join(' '))).toEqual([
        'webhook notification',
        'task notification',
        'webhook slo',
        'task slo',
        'finisher all',
      ])
  })

  it('a turn is an item that all tasks and the finisher may change if a rule needs it, and they may wake each other', async () => {
    const holder = { task: 'ci-cd/a', caller: 'demo', until: 0, isConfirmed: true }
    const place = { task: 'ci-cd/a', caller: 'demo', deadline: 0 }
    const items = turnTable(async () => {})
    const made = await accessesOf(async () => {
      await items.takeNumber({ key: 'key', target: 'shop', rule: 'one' })
      await items.putPlace('key', 1, 'ci-cd/a', place)
      await items.skip('key', 1)
      await items.readTurn('key')
      await items.readPlace('key', 1)
      await items.grant('key', 1, holder)
      await items.renew('key', 'ci-cd/a', 0)
      await items.pass('key', 1)
      await items.expire('key', holder)
      await items.release('key', 'ci-cd/a', 'ended')
      await waiters.readWaiter('ci-cd', taskId)
    })
    const takers = functions.filter(([entry]) => entry === 'task' || entry === 'finisher')
    const withTurns = synthesize({ policy: oneAtATime }, categoryInfos)
    for (const access of made) {
      const users = functions.filter(
        ([fn, name]) => !['events', 'dispatch'].includes(fn) && isAllowed(fn, name, access, withTurns),
      )
      const isWaiter = access.key.startsWith('waiter#')
      expect({ access, users }).toEqual({ access, users: isWaiter ? expect.arrayContaining(takers) : takers })
      if (!isWaiter) expect(functions.filter(([fn, name]) => isAllowed(fn, name, access))).toEqual([])
    }
    for (const [entry, name] of takers) {
      const actions = statementsOf(withTurns, functionOf(withTurns, entry, name)).flatMap(({ Action }) => Action)
      expect(actions).toContain('lambda:SendDurableExecutionCallbackSuccess')
    }
  })

  it('the starts for a target are an item that all webhooks and tasks may read and write if a rule limits them', async () => {
    const rule = 'rules: [{ name: a, atMost: { count: 5, per: PT1H, for: "{connection}" } }]'
    const withLimits = synthesize({ policy: yamlFile('item-keys-limits', rule) }, categoryInfos)
    const counters = functions.filter(([entry]) => entry === 'webhook' || entry === 'task')
    const made = await accessesOf(() => startCounts.countStart({ key: 'key', count: 5, per: 60 }, taskId, 0))
    expect(made.map(({ action }) => action)).toEqual(['dynamodb:GetItem', 'dynamodb:PutItem'])
    for (const access of made) {
      const users = functions.filter(
        ([fn, name]) => !['events', 'dispatch'].includes(fn) && isAllowed(fn, name, access, withLimits),
      )
      expect({ access, users }).toEqual({ access, users: counters })
      expect(functions.filter(([fn, name]) => isAllowed(fn, name, access))).toEqual([])
    }
  })

  it('the use of a signed message is an item that all webhooks may read and write, and nothing else', async () => {
    const made = await accessesOf(() => saveFirstUse('signer', 'digest', 'issue-ticketing/open-issue', 0))
    expect(made.map(({ action }) => action)).toEqual(['dynamodb:PutItem'])
    for (const action of ['dynamodb:PutItem', 'dynamodb:GetItem', 'dynamodb:DeleteItem']) {
      const users = functions.filter(([entry, name]) => isAllowed(entry, name, { action, key: made[0]?.key ?? '' }))
      const webhooks = functions.filter(([entry]) => entry === 'webhook')
      expect(users).toEqual(action.includes('Delete') ? [] : webhooks)
    }
  })

  it('this test knows all modules that use the table', () => {
    const sources = ['shared', 'functions'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(folder, file)),
    )
    const users = sources.filter((file) => /\/table\.ts'/.test(readFileSync(join(root, file), 'utf8')))
    expect(users.sort()).toEqual([
      'shared/core/task/execution.ts',
      'shared/core/task/start-execution.ts',
      'shared/state/alert-calls.ts',
      'shared/state/alert-groups.ts',
      'shared/state/alerts.ts',
      'shared/state/approvals.ts',
      'shared/state/call-keys.ts',
      'shared/state/call-rate.ts',
      'shared/state/claim.ts',
      'shared/state/gate-runs.ts',
      'shared/state/read-cancellation.ts',
      'shared/state/read-last-run.ts',
      'shared/state/run-states.ts',
      'shared/state/save-cancellation.ts',
      'shared/state/save-last-run.ts',
      'shared/state/secret-guesses.ts',
      'shared/state/signed-messages.ts',
      'shared/state/silent-call-record.ts',
      'shared/state/source-activity.ts',
      'shared/state/start-counts.ts',
      'shared/state/stops.ts',
      'shared/state/task-ends.ts',
      'shared/state/toggles.ts',
      'shared/state/turn-table.ts',
      'shared/state/waiters.ts',
    ])
  })
})
