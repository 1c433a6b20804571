import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { categories } from '../../functions/index.ts'
import { preview } from '../../infra/keptn/preview.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { actionNames } from '../../shared/providers/category.ts'
import type { Request } from './wire.ts'

const root = join(import.meta.dirname, '../..')
const formType = 'application/x-www-form-urlencoded'

/**
 * The requests that others are made of: every example of the READMEs as webhook-service sends it, an empty call of every
 * action, a status request, and requests to the public routes.
 *
 * @param link the signed link of an open approval
 */
export function seedRequests(link: string): Request[] {
  return [...examples(), ...emptyCalls(), ...publicRoutes(link)]
}

function examples(): Request[] {
  const event = {
    id: randomUUID(),
    shkeptncontext: randomUUID(),
    data: {
      ...{ project: 'shop', stage: 'production', service: 'checkout', result: 'fail', labels: { team: 'blue' } },
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
    headers: after('--header').map((header) => header.split(': ', 2) as [string, string]),
    body: Buffer.from(after('--data')[0] ?? ''),
  }
}

const authorization: [string, string] = ['Authorization', `Bearer ${demo.callerToken}`]

function emptyCalls(): Request[] {
  const none = Buffer.alloc(0)
  return categories.flatMap((category) => [
    ...actionNames(category).map((action) => ({
      method: 'POST',
      path: `/v1/${category.name}/${action}`,
      headers: [authorization, ['Content-Type', 'application/json'] as [string, string]],
      body: Buffer.from(JSON.stringify({ id: randomUUID(), data: { project: 'shop' }, input: {} })),
    })),
    { method: 'GET', path: `/v1/${category.name}/tasks/${'0'.repeat(40)}`, headers: [authorization], body: none },
  ])
}

function publicRoutes(link: string): Request[] {
  const page = `/v1/notification/approvals/${link}`
  const payload = {
    type: 'block_actions',
    user: { id: 'U0JANE', username: 'jane', team_id: 'T0' },
    channel: { id: 'C0RELEASES' },
    actions: [{ action_id: 'approve', value: link }],
  }
  const signed: [string, string][] = [
    ['X-Slack-Request-Timestamp', String(Math.floor(Date.now() / 1_000))],
    ['X-Slack-Signature', `v0=${'0'.repeat(64)}`],
  ]
  const form: [string, string] = ['Content-Type', formType]
  const press = {
    context: { reference: link, decision: 'approve', mac: '0'.repeat(64) },
    user_id: 'u',
    user_name: 'jane',
  }
  return [
    { method: 'GET', path: page, headers: [], body: Buffer.alloc(0) },
    // Without a decision, so that the question stays open.
    { method: 'POST', path: page, headers: [form], body: Buffer.from('name=Jane&reason=late') },
    {
      method: 'POST',
      path: '/v1/notification/slack',
      headers: [form, ...signed],
      body: Buffer.from(new URLSearchParams({ payload: JSON.stringify(payload) }).toString()),
    },
    {
      method: 'POST',
      path: '/v1/notification/mattermost',
      headers: [['Content-Type', 'application/json']],
      body: Buffer.from(JSON.stringify(press)),
    },
    {
      method: 'POST',
      path: `/v1/notification/discord/${'0'.repeat(64)}`,
      headers: [
        ['Content-Type', 'application/json'],
        ['X-Signature-Timestamp', String(Math.floor(Date.now() / 1_000))],
        ['X-Signature-Ed25519', '0'.repeat(128)],
      ],
      body: Buffer.from(JSON.stringify({ type: 1 })),
    },
  ]
}
