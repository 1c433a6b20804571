import { type Call, type Reply, type Served, serve } from '../../../infra/sandbox/platforms/loopback-server.ts'

interface Flag {
  enabled: boolean
  rollout: number
  links: { html: string }
}

export interface AcmeServer extends Served {
  token: string
  /** Flags by `environment/name`. */
  flags: Record<string, Flag>
  /** Accepts changes without applying them. */
  ignoreChanges(): void
}

/**
 * Fake Acme with the flags `checkout` and `search` in one environment.
 *
 * @see https://acme.example.com/api/flags
 */
export async function startAcme(): Promise<AcmeServer> {
  const token = 'acme-token-0123456789'
  const mode = { ignores: false }
  const flagOf = (name: string): [string, Flag] => [
    `production/${name}`,
    { enabled: false, rollout: 100, links: { html: `https://acme.example.com/flags/${name}` } },
  ]
  const flags = Object.fromEntries(['checkout', 'search'].map(flagOf))
  const served = await serve((call) =>
    call.headers['authorization'] === `Bearer ${token}`
      ? answer(call, flags, mode.ignores)
      : refuse(401, 'invalid token'),
  )
  return {
    ...served,
    ...{ token, flags },
    ignoreChanges() {
      mode.ignores = true
    },
  }
}

function answer({ method, path, body }: Call, flags: Record<string, Flag>, ignores: boolean): Reply {
  if (path === '/me') return { status: 200, body: { name: 'robot' } }
  const [, , environment, , name] = path.split('/')
  const flag = flags[`${environment}/${name}`]
  if (!flag) return refuse(404, `unknown flag ${name} in ${environment}`)
  if (method === 'PATCH' && !ignores) Object.assign(flag, body)
  return { status: 200, body: flag }
}

function refuse(status: number, message: string): Reply {
  return { status, body: { message } }
}
