import { ZodError } from 'zod'
import { engineRoutes } from '../../engines/routes.ts'
import type { FaultSpec } from './faults.ts'
import { type FakeCall, type FakeReply, json, jsonObject, mediaType, type PlatformTarget, type Target } from './http.ts'
import type { Sandbox } from './sandbox.ts'
import { targets } from './targets.ts'

/**
 * Returns the routes that show and change the sandbox. They need no token but accept local requests only: one list per
 * kind of record, `faults`, and `DELETE /sandbox`, which deletes everything.
 */
export function createAdminApi(sandbox: Sandbox): (name: string, call: FakeCall) => FakeReply {
  const { github, databricks, rundeck, tool, servicenow, unleash, toxiproxy, slack, dynatrace, keptn } = sandbox
  const lists: Record<string, (url: (target: PlatformTarget) => string, call: FakeCall) => FakeReply> = {
    events: () => json(200, keptn.events()),
    issues: (url) => json(200, github.issues(url('github'))),
    incidents: (url) => json(200, servicenow.incidents(url('servicenow'))),
    flags: (url) => json(200, unleash.flags(url('unleash'))),
    runs: (url) => {
      const runs = [
        ...github.runs(url('github')).map((run) => ({ platform: 'github', ...run })),
        ...databricks.runs(url('databricks')),
        ...rundeck.runs(url('rundeck')),
        ...tool.runs(url('tool')),
      ]
      return json(
        200,
        runs.sort((a, b) => a.created_at.localeCompare(b.created_at)),
      )
    },
    toxics: () => json(200, toxiproxy.toxics()),
    messages: (url) => json(200, slack.messages(url('slack'))),
    tickets: () => json(200, tool.tickets()),
    slos: (url) => json(200, dynatrace.slos(url('dynatrace'))),
    reports: () => json(200, dynatrace.reports()),
    notifications: () => json(200, sandbox.notifications()),
    requests: (_, { query }) => {
      const target = query.get('target')
      if (target !== null && !isTarget(target))
        return problem(400, `Unknown target ${target}. Targets: ${targets.join(', ')}.`)
      return json(200, sandbox.requests(target ?? undefined))
    },
  }
  const notFound = () => {
    const paths = [...targets, 'faults', 'engine-runs', ...Object.keys(lists)]
    return problem(404, `Not found. Paths below /sandbox/: ${paths.join(', ')}.`)
  }

  function faults(call: FakeCall): FakeReply {
    const [, id = ''] = call.path.split('/')
    if (id && !/^\d+$/.test(id)) return notFound()
    switch (call.method) {
      case 'GET':
        return json(200, sandbox.faults.list())
      case 'DELETE': {
        const target = call.query.get('target') ?? undefined
        const removed = sandbox.faults.remove({ id: id ? Number(id) : undefined, target })
        return id && removed === 0 ? problem(404, `Unknown fault ${id}.`) : json(200, { removed })
      }
      case 'POST':
        // A web page can send a form or plain text to any address without a preflight request, but not JSON.
        if (mediaType(call.headers) !== 'application/json') return problem(415, 'Send a fault as application/json.')
        return addFault(sandbox, call)
      default:
        return problem(405, `Method ${call.method} is not allowed.`)
    }
  }

  return (name, call) => {
    if (name === 'faults') return faults(call)
    if (name === 'engine-runs') return engineRoutes(sandbox.engineRuns, sandbox.faults.takeForRun, call) ?? notFound()
    if (call.path !== '/') return notFound()
    if (name === '' && call.method === 'DELETE') {
      sandbox.empty()
      return { status: 204 }
    }
    if (call.method !== 'GET') return problem(405, `Method ${call.method} is not allowed.`)
    const list = Object.hasOwn(lists, name) ? lists[name] : undefined
    return list?.((target) => new URL(`/sandbox/${target}`, call.root).href, call) ?? notFound()
  }
}

function addFault(sandbox: Sandbox, call: FakeCall): FakeReply {
  try {
    // The schema rejects a body that is not a fault.
    return json(201, sandbox.faults.add((jsonObject(call.body) ?? {}) as FaultSpec))
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    return problem(400, error.issues.map(({ path, message }) => `${path.join('.') || 'fault'}: ${message}`).join('; '))
  }
}

function isTarget(name: string): name is Target {
  return targets.some((target) => target === name)
}

function problem(status: number, message: string): FakeReply {
  return json(status, { message })
}
