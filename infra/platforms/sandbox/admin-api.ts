import { ZodError } from 'zod'
import type { FaultSpec } from './faults.ts'
import { type Answer, type Call, json, jsonObject, mediaType, type Target, targets } from './http.ts'
import type { Sandbox } from './index.ts'

/**
 * What the sandbox shows and lets switch with no token, to its own machine: `events`, `issues`, `incidents`,
 * `flags`, `runs`, `toxics`, `messages`, `tickets`, `slos`, `reports`, `requests?target=`, `faults`, and `DELETE` on the root, which
 * empties everything.
 */
export function createLists(sandbox: Sandbox): (name: string, call: Call) => Answer {
  return (name, call) => {
    const { method } = call
    if (name === 'faults') return faults(sandbox, call)
    if (call.path !== '/') return unknown()
    if (name === '' && method === 'DELETE') {
      sandbox.empty()
      return { status: 204 }
    }
    if (method !== 'GET') return problem(405, `${method} is not possible here.`)
    if (name === 'events') return json(200, sandbox.keptn.events())
    if (name === 'issues') return json(200, sandbox.github.issues(call.origin))
    if (name === 'incidents') return json(200, sandbox.serviceNow.incidents(call.origin))
    if (name === 'flags') return json(200, sandbox.unleash.flags(call.origin))
    if (name === 'runs') return json(200, runs(sandbox, call.origin))
    if (name === 'toxics') return json(200, sandbox.toxiproxy.toxics())
    if (name === 'messages') return json(200, sandbox.slack.messages(call.origin))
    if (name === 'tickets') return json(200, sandbox.tool.tickets())
    if (name === 'slos') return json(200, sandbox.dynatrace.slos(call.origin))
    if (name === 'reports') return json(200, sandbox.dynatrace.reports())
    if (name === 'requests') {
      const target = call.query.get('target')
      if (target !== null && !isTarget(target))
        return problem(400, `There is no target ${target}: ${targets.join(', ')}.`)
      return json(200, sandbox.requests(target ?? undefined))
    }
    return unknown()
  }
}

/** Of every platform that runs something, in the order in which they began. */
function runs({ github, databricks, rundeck, tool }: Sandbox, origin: string) {
  const ofGitHub = github.runs(origin).map((run) => ({ platform: 'github', ...run }))
  const all = [...ofGitHub, ...databricks.runs(origin), ...rundeck.runs(origin), ...tool.runs(origin)]
  return all.sort((a, b) => a.created_at.localeCompare(b.created_at))
}

function faults(sandbox: Sandbox, call: Call): Answer {
  const [, id = ''] = call.path.split('/')
  if (id && !/^\d+$/.test(id)) return unknown()
  switch (call.method) {
    case 'GET':
      return json(200, sandbox.faults.list())
    case 'DELETE': {
      const target = call.query.get('target') ?? undefined
      const removed = sandbox.faults.remove({ id: id ? Number(id) : undefined, target })
      return id && removed === 0 ? problem(404, `There is no fault ${id}.`) : json(200, { removed })
    }
    case 'POST':
      // A web page may send a form or plain text to any address without asking; JSON it may not.
      if (mediaType(call.headers) !== 'application/json') return problem(415, 'Send a fault as application/json.')
      return add(sandbox, call)
    default:
      return problem(405, `${call.method} is not possible here.`)
  }
}

function add(sandbox: Sandbox, call: Call): Answer {
  try {
    // What is not a fault is refused by its schema.
    return json(201, sandbox.faults.add((jsonObject(call.body) ?? {}) as FaultSpec))
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    return problem(400, error.issues.map(({ path, message }) => `${path.join('.') || 'fault'}: ${message}`).join('; '))
  }
}

function isTarget(name: string): name is Target {
  return targets.some((target) => target === name)
}

function unknown(): Answer {
  const paths = [
    ...targets,
    'faults',
    'events',
    'issues',
    'incidents',
    'flags',
    'runs',
    'toxics',
    'messages',
    'tickets',
    'slos',
    'reports',
    'requests',
  ]
  return problem(404, `There is nothing here. Below /sandbox/ there is ${paths.join(', ')}.`)
}

function problem(status: number, message: string): Answer {
  return json(status, { message })
}
