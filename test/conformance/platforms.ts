import { servicenow } from '../../functions/incident-management/providers/servicenow.ts'
import { jira } from '../../functions/issue-ticketing/providers/jira.ts'
import { startGithubCommits } from '../../infra/sandbox/platforms/github/commits-server.ts'
import type { Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { openTicket } from '../../shared/providers/ticket-actions.ts'
import { flagPlatforms, ticketPlatforms } from '../e2e/platforms.ts'
import { clientOf, keyOf } from '../functions/helpers.ts'
import { akamasServer, akamasUser } from '../platforms/akamas.ts'
import { startAnyApi } from '../platforms/any-api.ts'
import { startCloudWatch } from '../platforms/aws-cloudwatch.ts'
import { startEventBridge } from '../platforms/aws-eventbridge.ts'
import { startSes } from '../platforms/aws-ses.ts'
import { startSns } from '../platforms/aws-sns.ts'
import { apiKey, applicationKey, startDatadog } from '../platforms/datadog.ts'
import { channel as discordChannel, startDiscord } from '../platforms/discord.ts'
import { startEnvironment } from '../platforms/dynatrace/environment-server.ts'
import { startDynatrace } from '../platforms/dynatrace/server.ts'
import { space, startGoogleChat } from '../platforms/google-chat.ts'
import { startKeptn } from '../platforms/keptn/server.ts'
import { startMattermost } from '../platforms/mattermost.ts'
import { teamsServer } from '../platforms/msteams.ts'
import { startNtfy } from '../platforms/ntfy.ts'
import { startServiceNowChange } from '../platforms/servicenow-change.ts'
import { slackServer } from '../platforms/slack/server.ts'
import { startTelegram, supergroup } from '../platforms/telegram.ts'
import { endpointServer } from '../platforms/webhook.ts'
import { startGithubIssues } from './github-issues.ts'
import { jobPlatforms } from './job-platforms.ts'
import type { FlagPlatform, TicketPlatform } from './platform.ts'

/** A fake platform for one call, with the connection and the input of the call. */
interface Target {
  server: Served
  /** The secret of the connection, without the name of the provider. */
  connection: Record<string, unknown>
  input: Record<string, unknown>
  /** Returns how many things the platform created, for writes that may be sent twice. */
  made?: () => number
}

/** The differences between providers. */
export interface Platform {
  action: string
  /** Matches the requests that write: `POST /path`, or an AWS operation. */
  writes: RegExp
  /** Why the same write may be sent again: the platform treats both as one. */
  repeatable?: string
  /** Accepts interactive calls only. */
  needsTask?: true
  /** The platform sends the result itself, which only Keptn accepts. */
  delegates?: true
  start(): Promise<Target>
}

const region = 'eu-west-1'
const evaluationEnd = Date.parse('2026-11-24T10:05:00Z') / 1_000
const state = 'the same state is set again'

/** Every provider with an action that writes, by category and provider. */
export const platforms: Record<string, Platform> = {
  ...jobs(),

  ...tickets('issue-ticketing', 'open-issue', {
    'azure-boards': { writes: /^POST .*\/workitems\/\$/i },
    gitlab: { writes: /^POST .*\/issues$/ },
    jira: { writes: /^POST .*\/issue$/ },
    linear: { writes: /^POST .* issueCreate$/ },
    redmine: { writes: /^POST .*\/issues\.json$/ },
  }),
  'issue-ticketing/github': platform('open-issue', /^POST .*\/issues$/, startGithubIssues, ({ url, made }) => ({
    connection: { baseUrl: url, token: demo.githubToken, project: 'acme/shop' },
    input: { title: 'Checkout is slow' },
    made,
  })),
  'issue-ticketing/http': anyApi('open-issue', httpTickets, { title: 'Checkout is slow' }),

  ...tickets('incident-management', 'open-ticket', {
    'aws-opscenter': { writes: /^CreateOpsItem$/ },
    'incident-io': { writes: /^POST /, repeatable: 'an alert with the same deduplication_key is the same alert' },
    servicenow: { writes: /^POST / },
    pagerduty: { writes: /^POST \/incidents$/ },
    'pagerduty-events': { writes: /^POST /, repeatable: 'an alert with the same dedup_key is the same alert' },
    'jira-service-management': { writes: /^POST .*\/issue$/ },
    'jsm-operations': {
      writes: /^POST .*\/alerts$/,
      repeatable: 'an open alert with the same alias counts the repeat',
    },
  }),
  'incident-management/http': anyApi('open-ticket', httpTickets, { title: 'Checkout is slow' }),
  'incident-management/http-job': anyApi('run-runbook', httpJobs, { target: 'restart' }),

  'ci-cd/http': anyApi('trigger-build', httpJobs, { target: 'build' }),

  ...Object.fromEntries(Object.entries(flagPlatforms).map(([name, known]) => [`feature-flags/${name}`, flag(known)])),
  'feature-flags/http': httpFlags('set-flag'),
  'remediation/http-flag': httpFlags('toggle-flag'),

  'load-testing/http': anyApi('start-test', httpJobs, { target: 'checkout' }),

  'chaos-testing/http': anyApi('start-test', () => ({ ...httpJobs(), allow: ['latency'] }), { target: 'latency' }),

  'optimization/akamas': {
    ...platform('start-model', /^POST /, akamasServer, ({ url }) => ({
      connection: { baseUrl: url, ...akamasUser, mode: 'delegate' },
      input: { target: 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f' },
    })),
    needsTask: true,
    delegates: true,
  },
  'optimization/http': anyApi('start-model', httpJobs, { target: 'tune' }),

  ...messages('notification', 'push-update'),
  'notification/servicenow-change': {
    ...platform('ask-approval', /^POST .*\/change\/normal$/, startServiceNowChange, ({ url, token, state }) => ({
      connection: { baseUrl: url, token },
      made: () => state.changes.length,
    })),
    needsTask: true,
  },
  'notification/http': anyApi('push-update', httpMessages, {}),

  ...messages('slo', 'push-report'),
  'slo/http-message': anyApi('push-report', httpMessages, {}),
  'slo/servicenow': onTicket('incident-management/servicenow', servicenow, /^PATCH /, { id: 'INC0010001' }),
  'slo/jira': onTicket('issue-ticketing/jira', jira, /^POST .*\/comment$/, { id: 'OPS-1', project: 'OPS' }),
  'slo/dynatrace-event': platform('push-report', /^POST .*\/ingest$/, startDynatrace, ({ url, token }) => ({
    connection: { baseUrl: url, token },
  })),
  'slo/dynatrace-guardian': {
    ...platform('request-evaluation', /^POST .*\/run$/, startEnvironment, ({ url }) => ({
      connection: { baseUrl: url, token: demo.dynatracePlatformToken, workflow: demo.workflows.guardian },
      input: { slo: 'Checkout', start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' },
    })),
    repeatable: 'a second run with the same qualifier is the first one',
  },
  'slo/datadog-event': platform('push-report', /^POST /, startDatadog, ({ url }) => ({
    connection: { baseUrl: url, apiKey, applicationKey },
  })),
  'slo/github-status': platform('push-report', /^POST .*\/statuses\//, startGithubCommits, ({ url, token }) => ({
    connection: { baseUrl: url, token },
    input: commit,
  })),
  'slo/github-check': platform('push-report', /^POST .*\/check-runs$/, startGithubCommits, ({ url, appToken }) => ({
    connection: { baseUrl: url, token: appToken },
    input: commit,
  })),
  'slo/aws-cloudwatch': platform(
    'push-report',
    /^PutMetricData$/,
    () => startCloudWatch(evaluationEnd + 300),
    ({ url }) => ({ connection: { endpoint: url, region } }),
  ),
  'slo/aws-eventbridge': platform('push-report', /^PutEvents$/, startEventBridge, ({ url }) => ({
    connection: { endpoint: url, region },
  })),
  'slo/keptn': {
    ...platform('request-evaluation', /^POST .*\/evaluation$/, startKeptn, ({ url, token }) => ({
      connection: { baseUrl: url, token },
      input: { start: '2026-11-24T10:00:00Z', end: '2026-11-24T10:05:00Z' },
    })),
    needsTask: true,
  },
}

const commit = { project: 'octo-org/octo-repo', ref: '6dcb09b5b57875f334f61aebed695e2e4193db5e' }
const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

function platform<S extends Served>(
  action: string,
  writes: RegExp,
  play: () => Promise<S>,
  target: (server: S) => Omit<Target, 'server' | 'input'> & Partial<Pick<Target, 'input'>>,
): Platform {
  return {
    action,
    writes,
    async start() {
      const server = await play()
      return { server, input: {}, ...target(server) }
    },
  }
}

/** The messengers, each with a pattern of its writes. */
function messages(category: string, action: string): Record<string, Platform> {
  const [post, messages] = [/^POST /, /^POST .*\/messages$/]
  const platforms: Record<string, Platform> = {
    slack: platform(action, /^POST .*chat\.postMessage$/, slackServer, ({ url, token }) => ({
      connection: { baseUrl: url, token, channel: 'C0RELEASES' },
    })),
    mattermost: platform(action, /^POST .*\/posts$/, startMattermost, ({ url, token, channel }) => ({
      connection: { baseUrl: url, token, channel },
    })),
    discord: platform(action, messages, startDiscord, ({ url, token }) => ({
      connection: { baseUrl: url, token, channel: discordChannel },
    })),
    msteams: platform(action, post, teamsServer, ({ webhookUrl }) => ({ connection: { webhookUrl } })),
    telegram: platform(action, /^POST .*\/sendMessage$/, startTelegram, ({ url, token }) => ({
      connection: { baseUrl: url, token, channel: String(supergroup) },
    })),
    'google-chat': {
      ...platform(action, messages, startGoogleChat, ({ url, login, messages }) => ({
        connection: { baseUrl: url, token: login.token, channel: space },
        made: () => messages.length,
      })),
      repeatable: 'the id of a message is derived from the key',
    },
    ntfy: platform(action, post, startNtfy, ({ url, token }) => ({
      connection: { baseUrl: url, token, channel: 'deploys' },
    })),
    webhook: platform(
      action,
      post,
      () => endpointServer(webhookSecret),
      ({ endpoint, secret }) => ({ connection: { baseUrl: endpoint, secret } }),
    ),
    'aws-ses': platform(action, /^POST .*\/outbound-emails$/, startSes, ({ url }) => ({
      connection: { endpoint: url, region, from: 'deployments@example.com', channel: 'ops@example.com' },
    })),
    'aws-sns': platform(action, post, startSns, ({ url }) => ({
      connection: { endpoint: url, region, channel: 'arn:aws:sns:eu-west-1:123456789012:deploys' },
    })),
  }
  return named(category, platforms)
}

function tickets(
  category: string,
  action: string,
  providers: Record<string, Pick<Platform, 'writes' | 'repeatable'>>,
): Record<string, Platform> {
  const platforms = Object.entries(providers).map(([name, fields]): [string, Platform] => [
    name,
    { action, start: () => playTicket(`${category}/${name}`), ...fields },
  ])
  return named(category, Object.fromEntries(platforms))
}

async function playTicket(path: string): Promise<Target> {
  const { [path]: known }: Record<string, TicketPlatform> = ticketPlatforms
  if (!known) throw new Error(`No fake platform for ${path}`)
  return { ...(await known.start()), input: { title: 'Checkout is slow' } }
}

/** A report as a comment on an existing ticket. */
function onTicket(path: string, provider: unknown, writes: RegExp, input: { id: string; project?: string }): Platform {
  return {
    action: 'push-report',
    writes,
    async start() {
      const { server, connection } = await playTicket(path)
      const platform = provider as TicketProvider
      const client = clientOf(platform, platform.connection.parse(connection), { key: keyOf(9) })
      await openTicket.run(platform, client, { title: 'Checkout is slow', project: input.project })
      return { server, connection, input }
    },
  }
}

function flag(known: FlagPlatform): Platform {
  return {
    action: 'set-flag',
    writes: /^(?:POST|PUT|PATCH) /,
    repeatable: state,
    async start() {
      const { server, connection } = await known.start()
      return { server, connection, input: { flag: known.flags.off, state: 'on' } }
    },
  }
}

function jobs(): Record<string, Platform> {
  const platforms = jobPlatforms.map(({ name, start: action, platform }): [string, Platform] => {
    const { starts: writes, known, needsTask, start } = platform
    const played = async () => {
      const { server, connection, input, runs: made } = await start()
      return { server, connection, input, made }
    }
    const repeats = known === 'token' && { repeatable: 'two starts with the same token are one run' }
    return [name, { action, writes, start: played, ...repeats, ...(needsTask && { needsTask }) }]
  })
  return Object.fromEntries(platforms)
}

function named(category: string, platforms: Record<string, Platform>): Record<string, Platform> {
  return Object.fromEntries(Object.entries(platforms).map(([name, platform]) => [`${category}/${name}`, platform]))
}

/** A generic API that can search for the idempotency key. */
function anyApi(action: string, calls: () => object, input: Record<string, unknown>): Platform {
  return platform(action, /^POST \/things$/, startAnyApi, ({ url, token, apiKey, things }) => ({
    connection: { baseUrl: url, token, headers: { 'X-Api-Key': apiKey }, ...calls() },
    input,
    made: () => things.length,
  }))
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

function httpFlags(action: string): Platform {
  return {
    action,
    writes: /^PATCH /,
    repeatable: state,
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
