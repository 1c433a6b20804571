import { afterAll, beforeAll, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { serve } from '../../infra/testing/loopback-server.ts'
import { Service, triggered } from '../e2e/service.ts'
import { waitForAll } from '../wait-for-all.ts'
import { expectGolden } from './golden.ts'

interface Scenario {
  action: string
  input?: object
  /** Added to `data` of the event. */
  data?: object
  query?: string
  /** Makes an interactive call end. */
  complete?: () => Promise<unknown>
}

/** One action for each kind of provider, and the ways in which a call can end. */
const scenarios: Record<string, Scenario> = {
  ticket: { action: 'issue-ticketing/open-issue', input: { title: 'Checkout is slow' } },
  incident: { action: 'incident-management/open-ticket', input: { title: 'Checkout is slow', severity: 'low' } },
  job: { action: 'optimization/start-model', input: { parameters: { seconds: 1 } } },
  'failing job': { action: 'optimization/start-model', input: { parameters: { seconds: 1, outcome: 'failure' } } },
  runbook: { action: 'remediation/run-runbook', input: { target: 'clear-cache', parameters: { seconds: 1 } } },
  flag: { action: 'feature-flags/set-flag', input: { flag: 'checkout-v2', state: 'on' } },
  flags: { action: 'feature-flags/set-flags', input: { flags: 'checkout-v2,slow-recommendations', state: 'off' } },
  message: { action: 'notification/push-update', input: { text: 'The release continues' } },
  approval: { action: 'notification/ask-approval', query: '&connection=tool', input: {}, complete: approve },
  evaluation: { action: 'slo/request-evaluation', input: { slo: 'casdemoapp', timeframe: '5m' } },
  report: {
    action: 'slo/push-report',
    query: '&connection=events',
    data: { evaluation: { score: 75, result: 'warning', indicatorResults: [] } },
    input: {},
  },
  'mapped action': {
    action: 'remediation/run-action',
    data: { action: { action: 'toggle-feature', value: { 'checkout-v2': 'on' } } },
  },
  'unknown ticket': { action: 'issue-ticketing/update-issue', input: { id: 'demo/shop#424242', comment: 'x' } },
  'dry run': { action: 'issue-ticketing/open-issue', input: { title: 'T' }, query: '&dryRun=true' },
  'call that acts only on failures': {
    action: 'issue-ticketing/open-issue',
    input: { title: 'T' },
    query: '&when=fail',
  },
}

/** A silent call does not wait for this job. */
const jobThatHangs: Scenario = {
  action: 'remediation/run-runbook',
  input: { target: 'clear-cache', parameters: { outcome: 'hang' } },
  query: '&deadline=PT4S&progress=true',
}

let events: object
let silent: object
const orchestrator = await serve(() => ({ status: 200, body: { keptnContext: 'context' } }))
const keptn = { type: 'keptn', baseUrl: orchestrator.url, token: 'a-token-of-keptn' }
const secrets = { 'cloud-automation-webhooks/orchestrators/sandbox': keptn }
const service = await new Service({ timeScale: 60, concurrency: 1, secrets }).start()
beforeAll(async () => {
  const ended = await ofEach(scenarios, runInteractively)
  // Its deadline starts when the functions are warm.
  const [answered, hanging] = await waitForAll([
    ofEach(scenarios, (scenario) => call(scenario, eventOf(scenario), 'mode=silent')),
    ofEach({ 'job that hangs': jobThatHangs }, runInteractively),
  ])
  events = { ...ended, ...hanging }
  silent = answered
})
afterAll(async () => {
  await service.end()
  await orchestrator.close()
})

/** Runs a function for all scenarios at once, and returns the results by name. */
async function ofEach(all: Record<string, Scenario>, run: (scenario: Scenario, name: string) => Promise<unknown>) {
  const named = Object.entries(all).map(async ([name, scenario]) => [name, await run(scenario, name)])
  return Object.fromEntries(await waitForAll(named))
}

it('an interactive call sends the same events', () => expectGolden('events', events))
it('a silent call is answered the same', () => expectGolden('silent', silent))

async function runInteractively(scenario: Scenario, name: string) {
  const event = eventOf(scenario)
  const response = await call(scenario, event, 'mode=interactive&sendStarted=true')
  await scenario.complete?.()
  if (response.status !== 202) return { response }
  await service.until(
    () => sentFor(event.id).some(({ type }) => type.endsWith('.finished')),
    `the finished event of the ${name}`,
  )
  return { response, events: sentFor(event.id).map((sent) => structureOf(sent, event)) }
}

function sentFor(id: string) {
  const events = orchestrator.calls.map(({ body }) => body as { type: string; triggeredid: string } | undefined)
  return events.filter((event) => event !== undefined).filter(({ triggeredid }) => triggeredid === id)
}

function eventOf({ input, data }: Scenario) {
  const event = triggered({ type: 'sh.keptn.event.action.triggered', gitcommitid: '0a1b2c3', ...(input && { input }) })
  return { ...event, data: { ...event.data, labels: { team: 'blue' }, ...data } }
}

async function call({ action, query = '' }: Scenario, event: { id: string; shkeptncontext: string }, mode: string) {
  const { status, body } = await service.call(`/v1/${action}?${mode}${query}`, event)
  return { status, body: structureOf(body, event) }
}

/** Approves the newest approval that the tool of the sandbox shows. */
async function approve(): Promise<void> {
  let link: string | undefined
  await service.until(async () => {
    const { body } = await service.call('/sandbox/tool/rooms/releases/messages', undefined, {
      method: 'GET',
      token: demo.toolToken,
    })
    link = body.items[0]?.link
    return link !== undefined
  }, 'the message of the approval')
  await fetch(link ?? '', { method: 'POST', body: new URLSearchParams({ name: 'Jane Doe', decision: 'approve' }) })
}

/** Fields whose values are part of the interface. */
const LITERALS = ['status', 'result', 'type', 'source', 'specversion', 'project', 'stage', 'service', 'gitcommitid']

/** Replaces values with their types, except those of `LITERALS`; lists keep one item of each structure. */
function structureOf(value: unknown, event: { id: string; shkeptncontext: string }, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => JSON.stringify(structureOf(item, event)))
    return [...new Set(items)].map((item) => JSON.parse(item))
  }
  if (value !== null && typeof value === 'object') {
    // Names of links end with numbers.
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name.replace(/\d+$/, '#'), structureOf(item, event, name)]),
    )
  }
  if (value === event.id) return '<id of the trigger>'
  if (value === event.shkeptncontext) return '<context of the trigger>'
  return LITERALS.includes(key) || value === null ? value : `<${typeof value === 'string' ? 'text' : typeof value}>`
}
