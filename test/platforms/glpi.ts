import { randomUUID } from 'node:crypto'
import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface GlpiTicket {
  id: number
  name: string
  content: string
  status: number
  urgency: number
  priority: number
  entities_id: number
  externalid: string | null
}

interface Followup {
  id: number
  items_id: number
  content: string
}

export interface GlpiServer extends Served {
  userToken: string
  appToken: string
  state: {
    tickets: GlpiTicket[]
    followups: Followup[]
    /** How many more requests each session lasts, by its token. */
    sessions: Map<string, number>
  }
}

const ENTITIES = [0, 2]
const SOLVED = 5
/** Real sessions last longer; here every test sees one expire. */
const REQUESTS_PER_SESSION = 5

/**
 * The REST API of GLPI 11 (apirest.php) as its documentation describes it. An error is an array: a code, and a sentence.
 *
 * @see https://github.com/glpi-project/glpi/blob/main/apirest.md
 */
export async function startGlpi(): Promise<GlpiServer> {
  const [userToken, appToken] = ['glpi-user-token-of-robot', 'glpi-app-token-of-webhooks']
  const state: GlpiServer['state'] = { tickets: [], followups: [], sessions: new Map() }
  const served = await serve((call) => answer(call, state, userToken, appToken))
  return { ...served, userToken, appToken, state }
}

function answer(call: Call, state: GlpiServer['state'], userToken: string, appToken: string): Reply {
  const { method, headers, query } = call
  const path = call.path.replace('/apirest.php/', '')
  if (headers['app-token'] !== appToken) {
    return problem(400, 'ERROR_WRONG_APP_TOKEN_PARAMETER', 'parameter app_token seems wrong')
  }
  if (method === 'GET' && call.text !== '') {
    return problem(400, 'ERROR_JSON_PAYLOAD_FORBIDDEN', 'GET Request should not have json payload (http body)')
  }
  if (`${method} ${path}` === 'GET initSession') {
    if (headers['authorization'] !== `user_token ${userToken}`) {
      return problem(401, 'ERROR_GLPI_LOGIN_USER_TOKEN', 'parameter user_token seems invalid')
    }
    const session = randomUUID()
    state.sessions.set(session, REQUESTS_PER_SESSION)
    return ok({ session_token: session })
  }
  const session = String(headers['session-token'])
  const left = state.sessions.get(session) ?? 0
  state.sessions.set(session, left - 1)
  if (left <= 0) {
    return problem(401, 'ERROR_SESSION_TOKEN_INVALID', 'session_token seems invalid')
  }
  if (`${method} ${path}` === 'GET getActiveProfile') return ok({ active_profile: { id: 6 } })
  if (`${method} ${path}` === 'GET Ticket') return search(query, state.tickets)
  const input = (call.body as { input?: Record<string, unknown> } | undefined)?.input
  if (method !== 'GET' && !input) return problem(400, 'ERROR_BAD_ARRAY', 'input parameter must be an array of objects')
  if (`${method} ${path}` === 'POST Ticket') return addTicket(state.tickets, input ?? {})
  const [, id, sub] = /^Ticket\/(\d+)(\/ITILFollowup)?$/.exec(path) ?? []
  const ticket = state.tickets.find((one) => one.id === Number(id ?? input?.['items_id']))
  if (method === 'POST') return addSubItem(path, input ?? {}, ticket, state)
  if (!ticket) return problem(404, 'ERROR_ITEM_NOT_FOUND', 'Item not found')
  if (sub) return ok(state.followups.filter(({ items_id }) => items_id === ticket.id))
  if (method === 'PUT') {
    Object.assign(ticket, input)
    return ok([{ [ticket.id]: true, message: '' }])
  }
  return ok(ticket)
}

/** `^` and `$` at the ends of a text mean that a field must be equal, and not only contain it. */
function search(query: URLSearchParams, tickets: GlpiTicket[]): Reply {
  const found = tickets.filter((ticket) =>
    [...query].every(([parameter, text]) => {
      const field = /^searchText\[(\w+)\]$/.exec(parameter)?.[1]
      if (field === undefined) return true
      const value = String(ticket[field as keyof GlpiTicket] ?? '')
      return /^\^.*\$$/.test(text) ? value === text.slice(1, -1) : value.includes(text)
    }),
  )
  return ok(found)
}

function addTicket(tickets: GlpiTicket[], input: Record<string, unknown>): Reply {
  if (!ENTITIES.includes(Number(input['entities_id'] ?? 0))) {
    return problem(400, 'ERROR_GLPI_ADD', "You don't have permission to perform this action.")
  }
  const id = tickets.length + 1
  const defaults = { name: '', content: '', status: 1, urgency: 3, priority: 3, entities_id: 0, externalid: null }
  tickets.push({ ...defaults, ...input, id } as GlpiTicket)
  return { status: 201, body: { id, message: '' } }
}

/** A solution solves its ticket. */
function addSubItem(
  path: string,
  input: Record<string, unknown>,
  ticket: GlpiTicket | undefined,
  { followups }: GlpiServer['state'],
): Reply {
  if (!ticket) return problem(400, 'ERROR_GLPI_ADD', "You don't have permission to perform this action.")
  const id = followups.length + 1
  if (path === 'ITILSolution') ticket.status = SOLVED
  else followups.push({ id, items_id: ticket.id, content: String(input['content']) })
  return { status: 201, body: { id, message: '' } }
}

function problem(status: number, code: string, sentence: string): Reply {
  return { status, body: [code, sentence] }
}
