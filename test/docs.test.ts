import { randomBytes, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { categories } from '../functions/index.ts'
import { preview } from '../infra/sandbox/keptn/preview.ts'
import { demo } from '../infra/sandbox/platforms/sandbox/demo.ts'
import { callbackSecret } from '../shared/orchestrators/callback/callback.ts'
import { httpEvaluation } from '../shared/vendors/http/evaluation.ts'
import { httpFlag } from '../shared/vendors/http/flag.ts'
import { httpJob } from '../shared/vendors/http/job.ts'
import { httpMessage } from '../shared/vendors/http/message.ts'
import { httpTicket } from '../shared/vendors/http/ticket.ts'
import { Service, triggered } from './e2e/service.ts'
import { startSteadybit } from './functions/chaos-testing/steadybit/fake.ts'
import { startRundeck } from './functions/incident-management/rundeck/fake.ts'
import { type LocustServer, startLocust } from './functions/load-testing/locust/fake.ts'
import { waitForAll } from './wait-for-all.ts'

const root = join(import.meta.dirname, '..')
const connections = 'cloud-automation-webhooks/connections'
let locust: LocustServer
let platforms: { close(): Promise<void> }[]
let controller: NodeJS.Timeout
let secrets: Record<string, object>
const service = new Service({ timeScale: 20, secrets: () => secrets })
beforeAll(async () => {
  const [rundeck, steadybit] = await waitForAll([startRundeck(), startSteadybit()])
  locust = await startLocust()
  platforms = [locust, rundeck, steadybit]
  // Started executions run until they are stopped.
  controller = setInterval(() => {
    if (steadybit.state.executions.at(-1)?.state === 'CREATED') steadybit.enter('RUNNING')
  }, 50)
  secrets = {
    [`${connections}/incident-management/runbooks`]: {
      provider: 'rundeck',
      baseUrl: rundeck.url,
      token: rundeck.token,
      project: 'shop',
    },
    [`${connections}/load-testing/locust`]: {
      provider: 'locust',
      baseUrl: locust.url,
      username: 'robot',
      password: locust.password,
      target: 'https://shop.example.com',
    },
    [`${connections}/chaos-testing/steadybit`]: {
      provider: 'steadybit',
      baseUrl: steadybit.url,
      token: steadybit.token,
      allow: 'SHOP-*',
    },
  }
  await service.start()
})
afterAll(async () => {
  clearInterval(controller)
  await service.end()
  await waitForAll(platforms.map((platform) => platform.close()))
})

/** Approves the last request in the chat. */
async function approveInChat(): Promise<void> {
  const open = async () =>
    (await service.list('messages')).findLast(({ buttons = [] }: { buttons?: unknown[] }) => buttons.length > 0)
  await service.until(open, 'an approval request in the chat')
  await service.press(await open(), 'approve', 'jane')
}

const examples = categories.flatMap(({ name }) => {
  const text = readFileSync(join(root, 'functions', name, 'README.md'), 'utf8')
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, yaml = '']) => ({
    yaml,
    target: /\/v1\/(\S+)/.exec(yaml)?.[1] ?? '',
    type: /type: (sh\.keptn\S+)/.exec(yaml)?.[1] ?? '',
  }))
})

/** Sends the call of webhook-service. */
/** Calls a webhook. Accepts the latency of a busy machine. */
async function callAsKeptn(argv: string[]) {
  const after = (option: string) => argv.flatMap((word, at) => (word === option ? [argv[at + 1] ?? ''] : []))
  const headers = new Headers(after('--header').map((header) => header.split(': ', 2) as [string, string]))
  const target = new URL(argv.at(-2) ?? '')
  return fetch(`${service.url}${target.pathname}${target.search}`, {
    method: after('--request')[0] ?? '',
    headers,
    body: after('--data')[0]?.replaceAll('%22value%22%3A500%2C%22warn%22%3A400', '%22value%22%3A9000') ?? '',
  })
}

/** Creates the objects of earlier tasks and returns their results by task name. */
async function runEarlierTasks(target: string): Promise<Record<string, { id: string }>> {
  const make = async (path: string, input: object) => ({
    id: (await service.call(`/v1/${path}`, { id: randomUUID(), input })).body.data.id as string,
  })
  const [category, action = ''] = target.split('?')[0]?.split('/') ?? []
  if (action === 'cancel-run') return { deployment: await make('ci-cd/trigger-deployment', { target: 'deploy.yml' }) }
  if (category === 'chaos-testing' && action === 'stop-test')
    return { chaos: await make('chaos-testing/start-test?connection=steadybit', { target: 'SHOP-1' }) }
  if (action === 'stop-test') {
    // Locust runs one test at a time.
    locust.finish()
    return { test: await make('load-testing/start-test?connection=locust', { parameters: { run_time: 60 } }) }
  }
  if (action === 'stop-job') return { startjob: await make(`${category}/start-job`, { target: 'report' }) }
  const [open = '', { kind } = {}] =
    Object.entries(categories.find(({ name }) => name === category)?.actions ?? {})[0] ?? []
  const where = kind === 'ticket' ? `${category}/${open}` : 'issue-ticketing/open-issue'
  return { openticket: await make(where, { title: 'To be worked on' }) }
}

/** Sends an example as Keptn does, and expects that its task passes. */
async function run({ yaml, type, target }: (typeof examples)[number]): Promise<void> {
  const earlier = await runEarlierTasks(target)
  const action = { action: 'toggle-feature', name: 'Promotion off', value: { 'checkout-v2': 'off' } }
  const measured = { metric: 'p95', value: 480.2, success: true }
  const objective = {
    displayName: 'p95',
    status: 'pass',
    score: 1,
    keySli: false,
    value: measured,
    passTargets: [],
    warningTargets: [],
  }
  const times = { timeStart: '2026-11-24T10:00:00Z', timeEnd: '2026-11-24T10:05:00Z' }
  const evaluation = { score: 92, result: 'pass', ...times, indicatorResults: [objective] }
  const approval = { pass: 'manual', warning: 'manual' }
  // A failed result needs no approval.
  const result = target.includes('/ask-approval') ? 'pass' : 'fail'
  const incident = { ProblemTitle: `It's "down"; $1 | 2 > ü`, ProblemURL: 'https://x' }
  const event = triggered({ type })
  const rendered = preview(
    yaml,
    { ...event, data: { ...event.data, result, incident, action, approval, evaluation, ...earlier } },
    { secret_webhooks_token: demo.callerToken },
  )
  if (!('results' in rendered)) throw new Error(JSON.stringify(rendered))
  expect(rendered.results).toHaveLength(1)
  const [request] = rendered.results
  if (!request || 'refused' in request) throw new Error(request?.refused)
  const response = await callAsKeptn(request.argv)
  const body = (await response.json()) as { taskId?: string }
  const isInteractive = target.includes('mode=interactive')
  expect({ status: response.status, body }).toMatchObject({ status: isInteractive ? 202 : 200 })
  if (!isInteractive) return
  if (target.includes('/ask-approval')) await approveInChat()
  const isRunning = ({ name, status }: { name: string; status: string }) => name === body.taskId && status === 'RUNNING'
  await service.until(async () => !(await service.tasks()).some(isRunning), `the end of ${target}`)
  expect((await service.repliesTo(event.id)).finished).toMatchObject([{ result: 'pass' }])
}

describe('the webhooks in the READMEs of the categories', () => {
  it.each(categories.map(({ name }) => name))('have a silent and an interactive example of %s', (name) => {
    const modes = examples
      .filter(({ target }) => target.startsWith(`${name}/`))
      .map(({ target }) => (target.includes('mode=interactive') ? 'interactive' : 'silent'))
    expect(new Set(modes)).toEqual(new Set(['silent', 'interactive']))
  })

  // They take some seconds. They run at the same time as the others, and one after another: a fault slows down the target of a load.
  const isLong = ({ yaml }: { yaml: string }) => yaml.includes('parameters.duration=')
  const [long, short] = [examples.filter(isLong), examples.filter((example) => !isLong(example))]
  let longRuns: Promise<void> | undefined
  it.each([...short, ...long])('run without changes: $type to $target', async (example) => {
    longRuns ??= long.reduce((before, next) => before.then(() => run(next)), Promise.resolve())
    // The tests of the long examples report their errors.
    longRuns.catch(() => {})
    await (isLong(example) ? longRuns : run(example))
  })
})

describe('the documents', () => {
  it('docs/http.md has a valid connection of each kind', () => {
    const text = readFileSync(join(root, 'docs/http.md'), 'utf8')
    const blocks = [...text.matchAll(/^```json\n(.*?)^```/gms)].map(([, block = '']) => JSON.parse(block))
    const providers = [httpTicket, httpJob, httpFlag, httpMessage, httpEvaluation]
    expect(blocks).toHaveLength(providers.length)
    for (const [at, { provider, ...connection }] of blocks.entries()) {
      expect(provider).toBe('http')
      expect(providers[at]?.connection.safeParse(connection)).toMatchObject({ success: true })
    }
  })

  it('the pages in docs/callers show secrets that the orchestrator accepts', () => {
    const folder = join(root, 'docs/callers')
    const secrets = readdirSync(folder).flatMap((page) =>
      [...readFileSync(join(folder, page), 'utf8').matchAll(/^```json\n(\{\n {2}"type": .*?)^```/gms)].map(
        ([, block = '']) => ({
          page,
          secret: JSON.parse(
            block.replace(/<base64.*?>/g, randomBytes(32).toString('base64')).replace(/<[\w ]+>/g, 'example'),
          ),
        }),
      ),
    )
    expect(secrets.length).toBeGreaterThanOrEqual(7)
    for (const { page, secret } of secrets) {
      expect({ page, ...callbackSecret.safeParse(secret) }).toMatchObject({ page, success: true })
    }
  })

  it('README.md counts the engines of docs/callers/README.md', () => {
    const rows = [...readFileSync(join(root, 'docs/callers/README.md'), 'utf8').matchAll(/^\| \[([^\]]+)\]/gm)]
    // GitHub has two rows.
    const engines = new Set(rows.map(([, name = '']) => name.replace(/^GitHub .*/, 'GitHub')))
    for (const name of ['Agents', 'Alerts', 'CI in general']) expect(engines.delete(name)).toBe(true)
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`answers ${engines.size} engines`)
  })

  it('README.md names every category and provider, and is short without their generated table', () => {
    const text = readFileSync(join(root, 'README.md'), 'utf8')
    for (const category of categories) {
      for (const word of [category.name, ...Object.keys(category.providers)]) expect(text).toContain(word)
    }
    // The table grows with each provider. Table borders and rules are not words.
    const [before = '', , after = ''] = text.split(/<!-- \/?categories\b.*?-->/)
    const words = `${before} ${after}`.split(/\s+/).filter((word) => /\w/.test(word))
    expect(words.length).toBeLessThanOrEqual(700)
  })
})
