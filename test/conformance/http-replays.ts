import { type Call, type Reply, type Served, serve } from '../../infra/testing/loopback-server.ts'

/**
 * Servers that answer the requests of a page in docs/http/ as the real ones do, as far as the page needs it. The pages
 * themselves are tested with the real servers by `npm run test:real`.
 */

type Fields = Record<string, unknown>
const fieldsOf = ({ body }: Call): Fields => (body ?? {}) as Fields
const ok = (body?: unknown): Reply => ({ status: 200, body })
const missing = (body: unknown): Reply => ({ status: 404, body })

/** The custom API of docs/http.md. */
export function replayTool(): Promise<Served> {
  const tickets: Fields[] = []
  const notes: Fields[] = []
  const runs: (Fields & { polls: number; isStopped?: boolean })[] = []
  const flag = { enabled: false, rollout: 100, links: { html: 'https://tool.example.com/flags/promo' } }
  return serve((call) => {
    const { method, path, query } = call
    const [kind, id, verb] = path.slice(1).split('/')
    const byRef = (list: Fields[]) => ok({ items: list.filter(({ ref }) => ref === query.get('ref')) })
    if (kind === 'tickets' && id === undefined) {
      if (method === 'GET') return byRef(tickets)
      if (!fieldsOf(call)['title']) return { status: 422, body: { message: 'title is missing' } }
      const number = String(tickets.length + 1)
      const links = { html: `https://tool.example.com/${number}` }
      tickets.push({ id: number, number: `T-${number}`, status: 'open', links, ...fieldsOf(call) })
      return { status: 201, body: tickets.at(-1) }
    }
    if (kind === 'tickets') {
      const ticket = tickets.find((one) => one['id'] === id)
      if (!ticket) return missing({ message: `unknown ticket ${id}` })
      if (verb === 'notes' && method === 'GET') return byRef(notes)
      if (verb === 'notes') notes.push(fieldsOf(call))
      else if (verb === 'close') ticket['status'] = 'closed'
      else if (method === 'PATCH') Object.assign(ticket, fieldsOf(call))
      return ok(ticket)
    }
    if (kind === 'jobs') {
      const number = String(runs.length + 1)
      runs.push({ id: number, polls: 0, ...fieldsOf(call) })
      return { status: 201, body: { id: number, status: 'queued', links: { html: 'https://tool.example.com/1' } } }
    }
    if (kind === 'runs' && id === undefined) return byRef(runs)
    if (kind === 'runs') {
      const run = runs.find((one) => one['id'] === id)
      if (!run) return missing({ message: `there is no run ${id}` })
      if (method === 'DELETE') run.isStopped = true
      const status = run.isStopped ? 'cancelled' : ++run.polls > 1 && run['arguments'] ? 'failed' : 'running'
      return ok({
        ...run,
        status,
        progress: 'half',
        error: { message: 'out of memory' },
        results: { p95: 7 },
        links: { html: 'https://tool.example.com/1' },
      })
    }
    if (kind === 'environments' && method === 'PATCH') Object.assign(flag, fieldsOf(call))
    if (kind === 'environments') return ok(flag)
    if (kind === 'rooms') return { status: 201, body: { id: 'm1', permalink: 'https://tool.example.com/m1' } }
    if (kind === 'series' && id === 'none') return ok({ value: null, note: 'nothing was measured' })
    if (kind === 'series') return ok({ value: query.has('from') && query.has('to') ? 312 : 0 })
    return missing({ message: `there is no ${path}` })
  })
}

export function replayTrac(): Promise<Served> {
  const tickets: { summary: unknown; description: unknown; status: string; log: unknown[] }[] = []
  return serve((call) => {
    const { method, params = [] } = fieldsOf(call) as { method?: string; params?: unknown[] }
    const result = (value: unknown) => ok({ id: null, error: null, result: value })
    const refuse = (message: string) =>
      ok({ id: null, error: { code: 404, message, name: 'JSONRPCError' }, result: null })
    if (method === 'ticket.create') {
      if (!params[0]) return refuse('Tickets must contain a summary.')
      tickets.push({ summary: params[0], description: params[1], status: 'new', log: [] })
      return result(tickets.length)
    }
    if (method === 'ticket.query') {
      const text = String(params[0]).replace('description~=', '')
      return result(tickets.flatMap(({ description }, at) => (String(description).includes(text) ? [at + 1] : [])))
    }
    const ticket = tickets[Number(params[0]) - 1]
    if (!ticket) return refuse(`Ticket ${params[0]} does not exist.`)
    if (method === 'ticket.changeLog') return result(ticket.log)
    if (method === 'ticket.update') {
      if (params[1]) ticket.log.push([{ time: 1 }, 'robot', 'comment', '1', params[1], 1])
      Object.assign(ticket, params[2])
    }
    return result([params[0], { time: 1 }, { time: 2 }, { status: ticket.status, summary: ticket.summary }])
  })
}

export function replayRequestTracker(): Promise<Served> {
  const tickets: (Fields & { Status: string; RefersTo?: string[] })[] = []
  return serve((call) => {
    const { method, query } = call
    const [, , kind, id, verb] = call.path.slice(1).split('/')
    if (kind === 'tickets') {
      const [, link] = /^RefersTo = "(.*)"$/.exec(query.get('query') ?? '') ?? []
      const found = tickets.flatMap((one, at) =>
        link && one.RefersTo?.includes(link) ? [{ id: String(at + 1), type: 'ticket', Status: one.Status }] : [],
      )
      return ok({ items: found, total: found.length })
    }
    if (id === undefined) {
      const fields = fieldsOf(call)
      if (fields['Queue'] !== 'Operations')
        return { status: 403, body: { message: `No permission to create tickets in the queue '${fields['Queue']}'` } }
      tickets.push({ Status: 'new', ...fields })
      return { status: 201, body: { id: String(tickets.length), type: 'ticket', _url: 'https://rt.example.com/1' } }
    }
    const ticket = tickets[Number(id) - 1]
    if (!ticket) return missing({ message: `Ticket ${id} not found` })
    if (verb === 'comment') return { status: 201, body: [`Ticket ${id}: Comments added`] }
    if (method === 'GET') return ok({ id: Number(id), ...ticket })
    const changes = Object.entries(fieldsOf(call)).map(([name, value]) => {
      if (name === 'Status' && !['new', 'open', 'resolved'].includes(String(value)))
        return `Ticket ${id}: Status '${value}' isn't a valid status for this ticket.`
      ticket[name] = value
      return `Ticket ${id}: ${name} changed to '${value}'`
    })
    return ok(changes)
  })
}

export function replayBuildbot(): Promise<Served> {
  const requests: { key: unknown; polls: number; isStopped?: boolean; scheduler: string }[] = []
  return serve((call) => {
    const { method, path, headers } = call
    if (path === '/auth/login')
      return { status: 302, headers: { location: '/', 'set-cookie': 'TWISTED=a-session; Path=/' } }
    if (headers['cookie'] !== 'TWISTED=a-session') return { status: 403, body: { error: 'Forbidden' } }
    const [, , kind, id, verb] = path.slice(1).split('/')
    const { method: rpc, params = {} } = fieldsOf(call) as { method?: string; params?: Fields }
    if (kind === 'forceschedulers') {
      if (params['count'] === 'many')
        return { status: 400, body: { error: { code: -32602, message: { count: 'invalid literal for int()' } } } }
      requests.push({ key: params['key'], polls: 0, scheduler: String(id) })
      return ok({ id: 1, jsonrpc: '2.0', result: [1, { 1: 10 + requests.length }] })
    }
    if (id === undefined)
      return ok({
        buildrequests: requests.map(({ key }, at) => ({ buildrequestid: 11 + at, properties: { key: [key, 'Form'] } })),
      })
    const request = requests[Number(id) - 11]
    if (kind === 'builds' && rpc === 'stop') for (const one of requests) one.isStopped = true
    if (kind === 'builds') return ok({ jsonrpc: '2.0', result: null })
    if (!request) return missing({ error: `Invalid path: buildrequests/${id}` })
    if (method === 'POST') return ok({ jsonrpc: '2.0', result: null })
    if (verb !== 'builds') return ok({})
    const complete = request.isStopped === true || (++request.polls > 1 && request.scheduler !== 'slow')
    const results = request.isStopped ? 6 : 2
    const build = { buildid: 5, builderid: 1, number: 3, complete, results: complete ? results : null }
    return ok({ builds: [{ ...build, state_string: complete ? 'failed shell' : 'running' }] })
  })
}

export function replayNci(): Promise<Served> {
  const builds: { id: number; params: Fields; polls: number; isStopped?: boolean }[] = []
  return serve((call) => {
    const { method, query } = call
    const [, , , id] = call.path.slice(1).split('/')
    if (id === undefined && method === 'POST') {
      const { project, buildParams } = fieldsOf(call)
      if (!['quick', 'slow'].includes(String(project))) return { status: 404 }
      builds.push({ id: builds.length + 1, params: { ...(buildParams as Fields), project }, polls: 0 })
      return ok()
    }
    if (id === undefined)
      return ok({ builds: builds.filter(({ params }) => params['project'] === query.get('project')).map(shown) })
    const build = builds.find((one) => one.id === Number(id))
    if (!build) return { status: 404 }
    if (method === 'PATCH') build.isStopped = true
    else build.polls++
    return ok({ build: shown(build) })
  })

  function shown({ id, params, polls, isStopped }: (typeof builds)[number]) {
    const ended = isStopped ? 'canceled' : params['project'] === 'quick' && polls > 1 ? 'error' : 'in-progress'
    return { id, params, status: ended, currentStep: 'sh', error: ended === 'error' ? { message: 'exit 1' } : null }
  }
}

export function replayAlertmanager(): Promise<Served> {
  const alerts = new Map<string, Fields>()
  return serve((call) => {
    if (call.method === 'GET') {
      const [, ref = ''] = /^ref="(.*)"$/.exec(call.query.get('filter') ?? '') ?? []
      return ok([alerts.get(ref)].filter(Boolean))
    }
    for (const { labels, endsAt } of call.body as { labels?: Record<string, string>; endsAt?: string }[]) {
      const ref = labels?.['ref']
      if (!labels?.['alertname'] || !ref) return { status: 400, body: 'at least one label pair required' }
      if (Date.parse(endsAt ?? '') > Date.now()) alerts.set(ref, { labels, status: { state: 'active' } })
      else alerts.delete(ref)
    }
    return ok()
  })
}

export function replayIcinga(): Promise<Served> {
  const attrs = { state: 0, acknowledgement: 0, last_check_result: { output: 'OK' } }
  const comments: unknown[] = []
  return serve((call) => {
    const [, kind, name] = call.path.slice(1).split('/')
    const { service: posted, exit_status: state, plugin_output: output, comment } = fieldsOf(call)
    if (name === 'comments') return ok({ results: comments.map((text) => ({ attrs: { text } })) })
    if ((call.query.get('service') ?? posted) !== 'pay!slo') return missing({ error: 404, status: 'No objects found.' })
    if (kind === 'objects') return ok({ results: [{ name: 'pay!slo', type: 'Service', attrs }] })
    if (name === 'process-check-result') Object.assign(attrs, { state, last_check_result: { output } })
    if (name === 'add-comment') comments.push(comment)
    if (name === 'acknowledge-problem') {
      if (attrs.state === 0) return ok({ results: [{ code: 409, status: 'Service pay!slo is OK.' }] })
      attrs.acknowledgement = 1
    }
    return ok({ results: [{ code: 200, status: `Successfully did ${name}.` }] })
  })
}

export function replayVictoriaMetrics(): Promise<Served> {
  return serve(({ query }) => {
    const text = query.get('query') ?? ''
    if (text === 'sum(') return { status: 422, body: { status: 'error', error: 'cannot parse "sum("' } }
    const result = text === 'none' || !query.has('time') ? [] : [{ metric: {}, value: [1, '120'] }]
    return ok({ status: 'success', data: { resultType: 'vector', result } })
  })
}
