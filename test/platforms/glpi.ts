import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../infra/testing/require-header.ts'

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

type State = ReturnType<typeof initial>

const USER_TOKEN = 'glpi-user-token-of-robot'
const APP_TOKEN = 'glpi-app-token-of-webhooks'
const ENTITIES = [0, 2]
const SOLVED = 5
/** Real sessions last longer. Here every test sees one expire. */
const REQUESTS_PER_SESSION = 5
const NO_PERMISSION = problem(400, 'ERROR_GLPI_ADD', "You don't have permission to perform this action.")
const checkAppToken = requireHeader(
  'app-token',
  APP_TOKEN,
  problem(400, 'ERROR_WRONG_APP_TOKEN_PARAMETER', 'parameter app_token seems wrong'),
)
const checkUserToken = requireHeader(
  'authorization',
  `user_token ${USER_TOKEN}`,
  problem(401, 'ERROR_GLPI_LOGIN_USER_TOKEN', 'parameter user_token seems invalid'),
)

const initial = () => ({
  tickets: [] as GlpiTicket[],
  followups: [] as Followup[],
  /** The number of requests that are left in each session, by its token. */
  sessions: new Map<string, number>(),
})

/**
 * A fake of the REST API of GLPI 11 (apirest.php), from its documentation. An error is an array: a code and a sentence.
 *
 * @see https://github.com/glpi-project/glpi/blob/main/apirest.md
 */
export const startGlpi = definePlatform({
  base: '/apirest.php',
  state: initial,
  refuses: (call, state) => checkAppToken(call) ?? refuseBody(call) ?? refuseSession(call, state),
  routes: {
    'GET /initSession': ({ state }) => {
      const session_token = randomUUID()
      state.sessions.set(session_token, REQUESTS_PER_SESSION)
      return { session_token }
    },
    'GET /getActiveProfile': () => ({ active_profile: { id: 6 } }),
    'GET /Ticket': ({ state, query }) => search(state, query),
    'POST /Ticket': ({ state, body: { input } }) => {
      if (!ENTITIES.includes(Number(input.entities_id ?? 0))) return NO_PERMISSION
      const id = state.tickets.length + 1
      const defaults = { name: '', content: '', status: 1, urgency: 3, priority: 3, entities_id: 0, externalid: null }
      state.tickets.push({ ...defaults, ...input, id })
      return { status: 201, body: { id, message: '' } }
    },
    'GET /Ticket/{id}': ({ state, params }) => findTicket(state, params.id),
    'PUT /Ticket/{id}': ({ state, params, body }) => {
      const ticket = findTicket(state, params.id)
      return ticket && [{ [Object.assign(ticket, body.input).id]: true, message: '' }]
    },
    'GET /Ticket/{id}/ITILFollowup': ({ state, params }) =>
      findTicket(state, params.id) && state.followups.filter(({ items_id }) => items_id === Number(params.id)),
    'POST /ITILFollowup': ({ state, body: { input } }) => {
      const ticket = findTicket(state, input.items_id)
      if (!ticket) return NO_PERMISSION
      const id = state.followups.length + 1
      state.followups.push({ id, items_id: ticket.id, content: String(input.content) })
      return { status: 201, body: { id, message: '' } }
    },
    'POST /ITILSolution': ({ state, body: { input } }) => {
      const ticket = findTicket(state, input.items_id)
      if (!ticket) return NO_PERMISSION
      ticket.status = SOLVED
      return { status: 201, body: { id: state.followups.length + 1, message: '' } }
    },
  },
  notFound: problem(404, 'ERROR_ITEM_NOT_FOUND', 'Item not found'),
  members: () => ({ userToken: USER_TOKEN, appToken: APP_TOKEN }),
})

function problem(status: number, code: string, sentence: string): Reply {
  return { status, body: [code, sentence] }
}

function refuseBody({ method, text, body }: Call): Reply | undefined {
  if (method === 'GET' && text !== '')
    return problem(400, 'ERROR_JSON_PAYLOAD_FORBIDDEN', 'GET Request should not have json payload (http body)')
  const hasInput = method === 'GET' || (body as { input?: object } | undefined)?.input
  return hasInput ? undefined : problem(400, 'ERROR_BAD_ARRAY', 'input parameter must be an array of objects')
}

function refuseSession(call: Call, { sessions }: State): Reply | undefined {
  if (call.path.endsWith('/initSession')) return checkUserToken(call)
  const session = String(call.headers['session-token'])
  const requestsLeft = sessions.get(session) ?? 0
  sessions.set(session, requestsLeft - 1)
  return requestsLeft > 0 ? undefined : problem(401, 'ERROR_SESSION_TOKEN_INVALID', 'session_token seems invalid')
}

function findTicket({ tickets }: State, id: unknown): GlpiTicket | undefined {
  return tickets.find((ticket) => ticket.id === Number(id))
}

/** Returns the tickets whose fields contain the texts. A text such as `^text$` must be equal to the field. */
function search({ tickets }: State, query: URLSearchParams): GlpiTicket[] {
  return tickets.filter((ticket) =>
    [...query].every(([parameter, text]) => {
      const field = /^searchText\[(\w+)\]$/.exec(parameter)?.[1]
      if (field === undefined) return true
      const value = String(ticket[field as keyof GlpiTicket] ?? '')
      return /^\^.*\$$/.test(text) ? value === text.slice(1, -1) : value.includes(text)
    }),
  )
}
