import { definePlatform } from '../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../infra/testing/loopback-server.ts'
import { requireHeader } from '../../../infra/testing/require-header.ts'

interface Flag {
  enabled: boolean
  rollout: number
  links: { html: string }
}

const TOKEN = 'acme-token-0123456789'

/**
 * Fake Acme with the flags `checkout` and `search` in one environment.
 *
 * @see https://acme.example.com/api/flags
 */
export const startAcme = definePlatform({
  state: () => ({
    /** Flags by `environment/name`. */
    flags: { 'production/checkout': newFlag('checkout'), 'production/search': newFlag('search') } as Record<
      string,
      Flag
    >,
    /** Accepts changes without applying them. */
    ignoresChanges: false,
  }),
  refuses: requireHeader('authorization', `Bearer ${TOKEN}`, refuse(401, 'invalid token')),
  routes: {
    'GET /me': () => ({ name: 'robot' }),
    'GET /environments/{environment}/flags/{name}': ({ state, params: { environment, name } }) =>
      state.flags[`${environment}/${name}`] ?? refuse(404, `unknown flag ${name} in ${environment}`),
    'PATCH /environments/{environment}/flags/{name}': ({ state, params: { environment, name }, body }) => {
      const flag = state.flags[`${environment}/${name}`]
      if (!flag) return refuse(404, `unknown flag ${name} in ${environment}`)
      return state.ignoresChanges ? flag : Object.assign(flag, body)
    },
  },
  notFound: ({ path }) => refuse(404, `unknown page ${path}`),
  members: (state) => ({
    token: TOKEN,
    flags: state.flags,
    ignoreChanges() {
      state.ignoresChanges = true
    },
  }),
})

/** The row of the conformance suite. */
export const flagRow = {
  flags: { off: 'checkout', on: 'search' },
  async start() {
    const server = await startAcme()
    Object.assign(server.flags['production/search'] ?? {}, { enabled: true })
    return { server, connection: { baseUrl: server.url, token: server.token, environment: 'production' } }
  },
}

function newFlag(name: string): Flag {
  return { enabled: false, rollout: 100, links: { html: `https://acme.example.com/flags/${name}` } }
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
