import { servicenow } from '../../functions/incident-management/servicenow/servicenow.ts'
import { jira } from '../../functions/issue-ticketing/jira/jira.ts'
import type { ProviderKind } from '../../shared/providers/provider.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { openTicket } from '../../shared/providers/ticket-actions.ts'
import { clientOf, keyOf } from '../functions/helpers.ts'
import { ticketRow as servicenowIncidents } from '../functions/incident-management/servicenow/fake.ts'
import { ticketRow as jiraIssues } from '../functions/issue-ticketing/jira/fake.ts'
import { startAnyApi } from '../platforms/any-api.ts'
import { categoryOf } from './category-of.ts'
import { jobPlatforms } from './job-platforms.ts'
import { hasPlatformKey } from './once.ts'
import type { FlagPlatform } from './platform.ts'
import { startWith, type TicketRow, type WriteRow } from './row.ts'
import { rowsOf } from './rows.ts'

const REPEATED_STATE = 'the same state is set again'

/** The platforms of messages that reports can be sent to, too. */
const messengers = Object.fromEntries(
  Object.entries(rowsOf('messageRow')).filter(([path]) => path.startsWith('notification/')),
)

/** Every provider with an action that writes, by category and provider. */
export const platforms: Record<string, WriteRow> = {
  ...mapRows(rowsOf('ticketRow'), (row, path) => ({
    ...row,
    action: actionOf(path, 'ticket'),
    start: async () => ({ ...(await row.start()), input: { title: 'Checkout is slow' } }),
  })),
  'issue-ticketing/http': anyApi('open-issue', httpTickets, { title: 'Checkout is slow' }),
  'incident-management/http': anyApi('open-ticket', httpTickets, { title: 'Checkout is slow' }),

  ...jobs(),
  'incident-management/http-job': anyApi('run-runbook', httpJobs, { target: 'restart' }),
  'ci-cd/http': anyApi('trigger-build', httpJobs, { target: 'build' }),
  'load-testing/http': anyApi('start-test', httpJobs, { target: 'checkout' }),
  'chaos-testing/http': anyApi('start-test', () => ({ ...httpJobs(), allow: ['latency'] }), { target: 'latency' }),
  'optimization/http': anyApi('start-model', httpJobs, { target: 'tune' }),

  ...mapRows(rowsOf('flagRow'), flag),
  'feature-flags/http': httpFlags('set-flag'),
  'remediation/http-flag': httpFlags('toggle-flag'),

  ...mapRows(rowsOf('messageRow'), (row, path) => ({ ...row, action: actionOf(path, 'message') })),
  'notification/http': anyApi('push-update', httpMessages, {}),
  ...mapRows(messengers, (row) => ({ ...row, action: 'push-report' }), 'slo'),
  'slo/http-message': anyApi('push-report', httpMessages, {}),
  'slo/servicenow': onTicket(servicenowIncidents, servicenow, /^PATCH /, { id: 'INC0010001' }),
  'slo/jira': onTicket(jiraIssues, jira, /^POST .*\/comment$/, { id: 'OPS-1', project: 'OPS' }),

  ...rowsOf('writeRow'),
}

/** Returns the first action of a category for a kind of providers. */
function actionOf(path: string, kind: ProviderKind): string {
  const found = Object.entries(categoryOf(path).actions).find(([, action]) => action.kind === kind)
  if (!found) throw new Error(`No action for ${path}`)
  return found[0]
}

/** @param category another category that has these providers, too */
function mapRows<Row>(rows: Record<string, Row>, platformOf: (row: Row, path: string) => WriteRow, category = '$&') {
  const platforms = Object.entries(rows).map(
    ([path, row]) => [path.replace(/^[^/]+/, category), platformOf(row, path)] as const,
  )
  return Object.fromEntries(platforms)
}

/** A report as a comment on an existing ticket. */
function onTicket(
  row: TicketRow,
  provider: unknown,
  writes: RegExp,
  input: { id: string; project?: string },
): WriteRow {
  return {
    action: 'push-report',
    writes,
    async start() {
      const { server, connection } = await row.start()
      const platform = provider as TicketProvider
      const client = clientOf(platform, platform.connection.parse(connection), { key: keyOf(9) })
      await openTicket.run(platform, client, { title: 'Checkout is slow', project: input.project })
      return { server, connection, input }
    },
  }
}

function flag({ start, flags }: FlagPlatform): WriteRow {
  return {
    action: 'set-flag',
    writes: /^(?:POST|PUT|PATCH) /,
    repeatable: REPEATED_STATE,
    async start() {
      const { server, connection } = await start()
      return { server, connection, input: { flag: flags.off, state: 'on' } }
    },
  }
}

function jobs(): Record<string, WriteRow> {
  const platforms = jobPlatforms.map(({ name, start: action, platform, once }): [string, WriteRow] => {
    const { starts: writes, needsTask, start } = platform
    const played = async () => {
      const { server, connection, input, runs: made } = await start()
      return { server, connection, input, made }
    }
    const repeats = hasPlatformKey(once) && { repeatable: 'two starts with the same token are one run' }
    return [name, { action, writes, start: played, ...repeats, ...(needsTask && { needsTask }) }]
  })
  return Object.fromEntries(platforms)
}

/** A generic API that can search for the idempotency key. */
function anyApi(action: string, calls: () => object, input: Record<string, unknown>): WriteRow {
  return {
    action,
    writes: /^POST \/things$/,
    start: startWith(startAnyApi, ({ url, token, apiKey, things }) => ({
      connection: { baseUrl: url, token, headers: { 'X-Api-Key': apiKey }, ...calls() },
      input,
      made: () => things.length,
    })),
  }
}

function httpTickets() {
  return {
    open: { path: 'things', body: '{title: input.title, ref: key}', at: 'response.result' },
    get: { path: 'things/{input.id}', at: 'response.result' },
    find: { path: 'things', query: { ref: 'key' }, at: 'response.items[0]' },
    ticket: { id: 'to_string(response.id)', state: 'response.state', closed: "response.state=='done'" },
  }
}

function httpJobs() {
  return {
    start: { path: 'things', body: '{title: input.target, ref: key}', at: 'response.result' },
    look: { path: 'things/{input.id}', at: 'response.result' },
    run: { id: 'response.id', state: 'response.state' },
    states: { new: 'running', done: 'pass' },
  }
}

function httpMessages() {
  return { post: { path: 'things', body: '{title: message.title}' }, posted: { id: 'response.result.id' } }
}

function httpFlags(action: string): WriteRow {
  return {
    action,
    writes: /^PATCH /,
    repeatable: REPEATED_STATE,
    async start() {
      const server = await startAnyApi()
      server.things.push({ id: 1, flag: 'checkout-v2', enabled: false })
      const at = { path: 'things/{input.flag}', at: 'response.result' }
      return {
        server,
        connection: {
          baseUrl: server.url,
          token: server.token,
          headers: { 'X-Api-Key': server.apiKey },
          environment: 'production',
          get: at,
          set: { ...at, method: 'PATCH', body: '{enabled: input.on}' },
          flag: { on: 'response.enabled' },
        },
        input: { flag: 'checkout-v2', state: 'on' },
      }
    },
  }
}
