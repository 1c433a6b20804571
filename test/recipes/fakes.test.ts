import { afterAll, beforeAll, describe, test } from '@jest/globals'
import type { Served } from '../../infra/testing/loopback-server.ts'
import { Service } from '../e2e/service.ts'
import { startGlpi } from '../platforms/glpi.ts'
import { startHarbor } from '../platforms/harbor.ts'
import { startHomeAssistant } from '../platforms/home-assistant.ts'
import { startKestra } from '../platforms/kestra.ts'
import { startN8n } from '../platforms/n8n.ts'
import { startZammad } from '../platforms/zammad.ts'
import { waitForAll } from '../wait-for-all.ts'
import { jobRecipe, messageRecipe, ticketRecipe } from './recipe.ts'

const glpi = await startGlpi()
const harbor = await startHarbor()
const homeAssistant = await startHomeAssistant()
const kestra = await startKestra()
const n8n = await startN8n()
const zammad = await startZammad()
const servers: Record<string, Served> = { glpi, harbor, 'home-assistant': homeAssistant, kestra, n8n, zammad }
const thresholds = [{ metric: 'Critical', op: '<', value: 1 }]

const all = [
  ticketRecipe({
    page: 'glpi',
    category: 'issue-ticketing',
    values: () => ({
      '<app token>': glpi.appToken,
      '<user token>': glpi.userToken,
    }),
    open: { title: 'Checkout is slow', description: 'p95 is > 3 s', priority: 'high' },
    update: { title: 'Checkout is very slow', state: 'pending', comment: 'Now 5 s' },
    close: { resolution: 'Scaled out' },
    count: async () => glpi.state.tickets.length,
    refused: [
      ['open-issue', { title: 'x', project: '99' }, /: You don't have permission to perform this action/],
      ['update-issue', { id: '999', title: 'x' }, /: Item not found/],
    ],
    wrongCredentials: { placeholder: '<user token>', message: /parameter user_token seems invalid/ },
  }),
  jobRecipe({
    page: 'harbor',
    category: 'ci-cd',
    values: () => ({
      '<user>': harbor.user,
      '<password>': harbor.password,
    }),
    start: 'trigger-build',
    stop: 'cancel',
    passes: { target: 'shop/checkout:1.4', thresholds },
    fails: { target: 'shop/team/api@sha256:0f3c', thresholds },
    slow: { target: 'shop/huge:1.0' },
    slowDeadline: 4,
    count: async () => harbor.state.scans,
    refused: [
      ['trigger-build', { target: 'shop/checkout:0.1' }, /artifact shop\/checkout:0\.1 not found/],
      ['trigger-build', { target: 'checkout' }, /start\.path of the connection/],
    ],
    wrongCredentials: { placeholder: '<password>', message: /unauthorized: unauthorized/ },
  }),
  messageRecipe({
    page: 'home-assistant',
    category: 'notification',
    values: () => ({
      '<token>': homeAssistant.token,
      '<service>': 'mobile_app_phone',
    }),
    // Not ASCII: the server must get UTF-8.
    input: { text: 'Café and ✓' },
    count: async () => homeAssistant.state.notifications.length,
    wrongCredentials: { placeholder: '<token>', message: /401: Unauthorized/ },
  }),
  jobRecipe({
    page: 'kestra',
    category: 'ci-cd',
    values: () => ({
      '<user>': kestra.user,
      '<password>': kestra.password,
    }),
    start: 'trigger-deployment',
    stop: 'cancel',
    passes: { target: 'scale', parameters: { count: 3 }, thresholds: [{ metric: 'count', op: '<', value: 4 }] },
    fails: { target: 'broken' },
    slow: { target: 'drain' },
    slowDeadline: 4,
    count: async () => kestra.state.executions.length,
    refused: [
      ['trigger-deployment', { target: 'nope' }, /Requested Flow is not found/],
      ['trigger-deployment', { target: 'old' }, /Requested Flow is disabled/],
      ['trigger-deployment', { target: 'scale', parameters: { count: 'many' } }, /Invalid value for input `count`/],
    ],
    wrongCredentials: { placeholder: '<password>', message: /Unauthorized/ },
  }),
  jobRecipe({
    page: 'n8n',
    category: 'remediation',
    values: () => ({
      '<api key>': n8n.apiKey,
      '<webhook token>': n8n.webhookToken,
    }),
    start: 'run-runbook',
    stop: 'stop-runbook',
    passes: { target: 'restart', parameters: { service: 'checkout' } },
    fails: { target: 'broken' },
    slow: { target: 'drain' },
    slowDeadline: 4,
    count: async () => n8n.state.executions.length,
    refused: [['run-runbook', { target: 'draft' }, /The requested webhook "POST draft" is not registered/]],
    wrongCredentials: { placeholder: '<api key>', message: /unauthorized/, action: 'stop-runbook', input: { id: '1' } },
  }),
  ticketRecipe({
    page: 'zammad',
    category: 'issue-ticketing',
    values: () => ({
      '<token>': zammad.token,
      '<customer>': 'monitoring@example.com',
    }),
    open: { title: 'Checkout is slow', description: 'p95 is 3 s', priority: '3 high' },
    update: { title: 'Checkout is very slow', state: 'open', comment: 'Now 5 s' },
    close: { comment: 'Fixed' },
    count: async () => zammad.state.tickets.length,
    refused: [
      ['open-issue', { title: 'x', project: 'Nope' }, /No lookup value found for 'group': "Nope"/],
      ['close-issue', { id: '999' }, /Couldn't find Ticket with 'id'=999/],
    ],
    wrongCredentials: { placeholder: '<token>', message: /Can't find User for Token/ },
  }),
]
const recipes = await waitForAll(
  all.map(async (recipe) => ({
    ...recipe,
    ...(await recipe.prepare({ url: servers[recipe.page]?.url ?? '', details: {} })),
  })),
)

// A silent call waits for the end of a runbook.
const service = new Service({
  timeScale: 60,
  webhookTimeout: 12,
  concurrency: 1,
  secrets: Object.assign({}, ...recipes.map(({ secrets }) => secrets)),
})
/** Ends and starts the runtime when the tests of all recipes have come to that. */
const restart = together(recipes.length, () => service.kill().then(() => service.start()))
/** The tests of each recipe run one after another, at the same time as those of the others. */
const programs = recipes.map(({ name, testsIn }) => ({
  name,
  tests: Object.entries(testsIn(service, restart)).map(([what, run]) => ({ what, run, error: undefined as unknown })),
}))

beforeAll(async () => {
  await service.start()
  await waitForAll(
    programs.map(async ({ tests }) => {
      for (const one of tests)
        one.error = await one.run().then(
          () => undefined,
          (error) => error,
        )
    }),
  )
})
afterAll(async () => {
  await service.end()
  await waitForAll([...recipes, ...Object.values(servers)].map((one) => one.close()))
})

describe.each(programs)('$name', ({ tests }) => {
  test.each(tests)('$what', (one) => {
    if (one.error !== undefined) throw one.error
  })
})

/** Returns a function that runs another once, when it has been called often enough. */
function together(times: number, run: () => Promise<unknown>): () => Promise<void> {
  const done = Promise.withResolvers<void>()
  return () => {
    if (--times === 0) run().then(() => done.resolve(), done.reject)
    return done.promise
  }
}
