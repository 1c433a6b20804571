import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { categories } from '../../functions/index.ts'
import { engineKeyOf } from '../../infra/sandbox/engines/place.ts'
import { preview } from '../../infra/sandbox/keptn/preview.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { authenticate } from '../../infra/sandbox/platforms/sandbox/notifications/sources.ts'
import { actionNames } from '../../shared/providers/category.ts'
import type { Request } from './wire.ts'

const root = join(import.meta.dirname, '../..')

/**
 * The requests that others are made of: every example of the READMEs as webhook-service sends it, an empty call of every
 * action, a status request, requests to the public routes, and notifications of each type that the sandbox sends.
 *
 * @param link the signed link of an open approval
 */
export function seedRequests(link: string): Request[] {
  return [...examples(), ...emptyCalls(), ...publicRoutes(link), ...notifications()]
}

function examples(): Request[] {
  const event = {
    id: randomUUID(),
    shkeptncontext: randomUUID(),
    data: {
      project: 'shop',
      stage: 'production',
      service: 'checkout',
      result: 'fail',
      labels: { team: 'blue' },
      incident: { ProblemTitle: `It's "down"; $1 | 2 > ü`, ProblemURL: 'https://example.com/1' },
      problem: { ProblemTitle: 'Failure rate', ProblemID: '-42', State: 'OPEN' },
      action: { action: 'toggle-feature', name: 'Promotion off', value: { 'checkout-v2': 'off' } },
      evaluation: { score: 92, result: 'pass', indicatorResults: [{ displayName: 'p95', status: 'pass', score: 1 }] },
      openticket: { id: '1' },
      deployment: { id: '1' },
      chaos: { id: '1' },
      optimization: { id: '1' },
      repair: { id: '1' },
      test: { id: '1' },
    },
  }
  return categories.flatMap(({ name }) => {
    const text = readFileSync(join(root, 'functions', name, 'README.md'), 'utf8')
    return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].flatMap(([, yaml = '']) => {
      const type = /type: (sh\.keptn\S+)/.exec(yaml)?.[1] ?? ''
      const rendered = preview(yaml, { ...event, type }, { secret_webhooks_token: demo.callerToken })
      const results = 'results' in rendered ? rendered.results : []
      return results.flatMap((result) => ('argv' in result ? [requestOf(result.argv)] : []))
    })
  })
}

/** The request of the curl command. */
function requestOf(argv: string[]): Request {
  const after = (option: string) => argv.flatMap((word, at) => (word === option ? [argv[at + 1] ?? ''] : []))
  const { pathname, search } = new URL(argv.at(-2) ?? '')
  return {
    method: after('--request')[0] ?? 'POST',
    path: pathname + search,
    headers: after('--header').map((header) => header.split(': ', 2) as Header),
    body: Buffer.from(after('--data')[0] ?? ''),
  }
}

type Header = Request['headers'][number]
const authorization: Header = ['Authorization', `Bearer ${demo.callerToken}`]
const json: Header = ['Content-Type', 'application/json']
const form: Header = ['Content-Type', 'application/x-www-form-urlencoded']

function get(path: string, ...headers: Header[]): Request {
  return { method: 'GET', path, headers, body: Buffer.alloc(0) }
}

/** @param body JSON, unless it is text */
function post(path: string, body: object | string, ...headers: Header[]): Request {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', path, headers, body: Buffer.from(text) }
}

function emptyCalls(): Request[] {
  return categories.flatMap((category) => [
    ...actionNames(category).map((action) => {
      const event = { id: randomUUID(), data: { project: 'shop' }, input: {} }
      return post(`/v1/${category.name}/${action}`, event, authorization, json)
    }),
    get(`/v1/${category.name}/tasks/${'0'.repeat(40)}`, authorization),
  ])
}

function publicRoutes(link: string): Request[] {
  const page = `/v1/notification/approvals/${link}`
  const now = String(Math.floor(Date.now() / 1_000))
  const payload = {
    type: 'block_actions',
    user: { id: 'U0JANE', username: 'jane', team_id: 'T0' },
    channel: { id: 'C0RELEASES' },
    actions: [{ action_id: 'approve', value: link }],
  }
  const slack = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const press = {
    context: { reference: link, decision: 'approve', mac: '0'.repeat(64) },
    user_id: 'u',
    user_name: 'jane',
  }
  const slackHeaders: Header[] = [
    ['X-Slack-Request-Timestamp', now],
    ['X-Slack-Signature', `v0=${'0'.repeat(64)}`],
  ]
  const discordHeaders: Header[] = [
    ['X-Signature-Timestamp', now],
    ['X-Signature-Ed25519', '0'.repeat(128)],
  ]
  return [
    get(page),
    // Without a decision, so that the question stays open.
    post(page, 'name=Jane&reason=late', form),
    post('/v1/notification/slack', slack, form, ...slackHeaders),
    post('/v1/notification/mattermost', press, json),
    post(`/v1/notification/discord/${'0'.repeat(64)}`, { type: 1 }, json, ...discordHeaders),
  ]
}

function notifications(): Request[] {
  const workflowRun = { action: 'completed', workflow_run: { id: 7, status: 'completed' }, repository: { id: 1 } }
  const execution = { trigger: 'success', status: 'succeeded', executionId: 7, execution: { id: 7 } }
  const run = { event_type: 'jobs.on_success', run: { run_id: '7', parent_run_id: null }, job: { job_id: '1' } }
  const host = { url: '', key: () => engineKeyOf(demo) }
  const bodies = { github: workflowRun, rundeck: execution, databricks: run }
  return Object.entries(bodies).map(([name, body]) => {
    const { path, headers } = authenticate(name as keyof typeof bodies, JSON.stringify(body), host)
    return post(path, body, json, ['X-GitHub-Event', 'workflow_run'], ...Object.entries(headers))
  })
}
