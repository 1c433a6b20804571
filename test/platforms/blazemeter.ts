import { type Call, newestOf, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Master {
  id: number
  test: string
  body: unknown
  status: string
  progress: number
  reportStatus: string | null
  ended: number | null
  failures: object[]
  errors: object[]
  summary: object | undefined
}

/** The state of the fake. Tests read and change it. */
interface BlazemeterState {
  /** `tests/1` or `multi-tests/1`. */
  tests: string[]
  masters: Master[]
  mayWrite: boolean
  /** Whether refusals come with 200. */
  saysNoWith200: boolean
  /** A run continues for a while after it is stopped. */
  stubborn: boolean
}

export interface BlazemeterServer extends Served {
  username: string
  password: string
  state: BlazemeterState
  /** Completes the last run a minute after its start. */
  finish(reportStatus: string | null, more?: Partial<Master>): void
}

/**
 * BlazeMeter's API v4, with the envelope and the errors that its own clients read.
 *
 * @see https://github.com/Blazemeter/blazemeter-api-client
 */
export async function startBlazemeter(): Promise<BlazemeterServer> {
  const username = 'f817e22f1526b048799f75da'
  const password = 'the-secret-of-the-key'
  const state: BlazemeterState = {
    tests: ['tests/9876543', 'multi-tests/555'],
    masters: [],
    mayWrite: true,
    saysNoWith200: false,
    stubborn: false,
  }
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const refused = (code: number, message: string): Reply => ({
    status: state.saysNoWith200 ? 200 : code,
    body: { api_version: 4, error: { code, message }, result: null },
  })
  const granted = (result: unknown, status = 200): Reply => ({
    status,
    body: { api_version: 4, error: null, result, request_id: '5f3b' },
  })
  const served = await serve((call) => {
    if (call.headers['authorization'] !== basic) return refused(401, 'Unauthorized: Invalid API key')
    return answer(call)
  })

  const start = (test: string, { body }: Call): Reply => {
    if (!state.mayWrite) return refused(403, 'Forbidden: You do not have permission to run this test')
    if (!state.tests.includes(test)) return refused(404, 'Not Found: Test not found')
    const master: Master = {
      id: 74512345 + state.masters.length,
      ...{ test, body, status: 'CREATED', progress: 0, reportStatus: null, ended: null },
      ...{ failures: [], errors: [], summary: undefined },
    }
    state.masters.push(master)
    return granted({ id: master.id, name: 'Checkout load', projectId: 12345, testId: Number(test.split('/')[1]) }, 202)
  }

  const answer = (call: Call): Reply => {
    if (call.path === '/api/v4/user') return granted({ id: 123456, email: 'robot@example.com' })
    const [, test] = /^\/api\/v4\/((?:multi-)?tests\/\d+)\/start$/.exec(call.path) ?? []
    if (test && call.method === 'POST') return start(test, call)
    const [, id, what = ''] = /^\/api\/v4\/masters\/(\d+)(\/.*)?$/.exec(call.path) ?? []
    const master = state.masters.find((one) => String(one.id) === id)
    if (!master) return refused(404, 'Not Found: Master not found')
    switch (`${call.method} ${what}`) {
      case 'GET /status':
        return granted({ status: master.status, progress: master.progress, statuses: { pending: 0, ended: 0 } })
      case 'GET ':
        return granted({ id: master.id, name: 'Checkout load', reportStatus: master.reportStatus, ended: master.ended })
      case 'GET /ci-status':
        return granted({ masterId: master.id, failures: master.failures, errors: master.errors })
      case 'GET /reports/default/summary':
        return master.summary ? granted({ summary: [master.summary] }) : refused(404, 'Not Found: Report not found')
      case 'POST /stop':
        if (!state.mayWrite) return refused(403, 'Forbidden: You do not have permission to stop this test')
        if (!state.stubborn) Object.assign(master, ended('unset'))
        return granted([{ session_id: 'r-ext-6553f1a2b3c4d', result: 'shutdown command sent\n' }], 202)
      default:
        return refused(404, 'Not Found')
    }
  }

  return {
    ...served,
    username,
    password,
    state,
    finish(reportStatus, more = {}) {
      const master = newestOf(state.masters)
      Object.assign(master, ended(reportStatus), more)
    },
  }
}

function ended(reportStatus: string | null) {
  return { status: 'ENDED', progress: 140, reportStatus, ended: 1_700_000_600 }
}
