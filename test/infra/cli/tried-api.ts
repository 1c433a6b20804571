import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach } from '@jest/globals'
import { type Call, type Reply, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { skipPauses } from '../../functions/helpers.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { webhooks } from './webhooks.ts'

// The search for a created object is repeated for some seconds.
skipPauses()

const prefix = 'cloud-automation-webhooks/connections'
const token = 'a-token-of-the-api'
export const folder = temporaryFolder()
export let api: Served
afterEach(() => api?.close())

interface Stored {
  id: number
  title?: string
  ref?: string
  status: string
}

/** An API with tickets and runs whose responses have an envelope. */
export async function startApi(change: (call: Call) => Reply | undefined = () => undefined): Promise<Stored[]> {
  const stored: Stored[] = []
  api = await serve((call) => {
    const changed = change(call)
    if (changed) return changed
    const { method, path, body, query } = call
    if (method === 'POST') {
      const one = { id: 40 + stored.length, status: 'new', ...(body as object) }
      stored.push(one)
      return { status: 201, body: { result: one, page: 1 } }
    }
    const [, id] = /^\/\w+\/(\d+)$/.exec(path) ?? []
    if (id === undefined) return { status: 200, body: { items: stored.filter(({ ref }) => ref === query.get('ref')) } }
    const found = stored.find((one) => one.id === Number(id))
    return found ? { status: 200, body: { result: found } } : { status: 404, body: { message: 'no such thing' } }
  })
  return stored
}

export const tickets = () => ({
  provider: 'http',
  baseUrl: api?.url,
  token,
  open: { path: 'tickets', body: '{title: input.title, ref: key}', at: 'response.result' },
  find: { path: 'tickets', query: { ref: 'key' }, at: 'response.items[0]' },
  get: { path: 'tickets/{input.id}', at: 'response.result' },
  ticket: { id: 'to_string(response.id)', state: 'response.status', closed: "response.status=='closed'" },
})
export const runs = () => ({
  provider: 'http',
  baseUrl: api?.url,
  token,
  start: { path: 'runs', body: '{job: input.target, ref: key}', at: 'response.result' },
  find: { path: 'runs', query: { ref: 'key' }, at: 'response.items[0]' },
  look: { path: 'runs/{input.id}', at: 'response.result' },
  run: { id: 'to_string(response.id)', state: 'response.status' },
  states: { new: 'running', done: 'pass' },
})

export const flags = {
  environment: 'test',
  get: { path: 'flags/{input.flag}' },
  set: { method: 'PUT', path: 'flags/{input.flag}', body: '{enabled: input.on}' },
}
export const values = { indicator: { value: 'response.value' }, queries: { p95: 'checkout-p95' } }
const thresholds = '[{"metric":"p95","op":"<","value":9}]'
export const evaluation = `request-evaluation --input timeframe=5m --input 'thresholds=${thresholds}'`

export const run = (line: string, stdin = '') =>
  webhooks(line, { env: { WEBHOOKS_SECRETS: join(folder, 'secrets.json') }, cwd: folder, stdin })
export const store = (name: string, connection: object) =>
  writeFileSync(join(folder, 'secrets.json'), JSON.stringify({ [`${prefix}/${name}`]: connection }))
export const check = (name: string, connection: object, options: string) => {
  store(name, connection)
  return run(`check ${name} --local ${options}`)
}
export const open = (connection: object, options = '--yes') =>
  check('issue-ticketing/mine', connection, `--try open-issue --input title=Slow ${options}`)
export const build = (connection: object, options = '--yes') =>
  check('ci-cd/mine', connection, `--try trigger-build --input target=nightly ${options}`)
export const requestsIn = (out: string) => out.split('All requests sent:')[1]?.match(/^\w+$/gm)
