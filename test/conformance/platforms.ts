import { servicenow } from '../../functions/incident-management/providers/servicenow.ts'
import { jira } from '../../functions/issue-ticketing/providers/jira.ts'
import { akamasServer, akamasUser } from '../../infra/platforms/akamas.ts'
import { startAnyApi } from '../../infra/platforms/any-api.ts'
import { startCloudWatch } from '../../infra/platforms/aws-cloudwatch.ts'
import { startEventBridge } from '../../infra/platforms/aws-eventbridge.ts'
import { startSes } from '../../infra/platforms/aws-ses.ts'
import { startSns } from '../../infra/platforms/aws-sns.ts'
import { apiKey, applicationKey, startDatadog } from '../../infra/platforms/datadog.ts'
import { channel as discordChannel, startDiscord } from '../../infra/platforms/discord.ts'
import { startEnvironment } from '../../infra/platforms/dynatrace/environment-server.ts'
import { startDynatrace } from '../../infra/platforms/dynatrace/server.ts'
import { startGithubCommits } from '../../infra/platforms/github/commits-server.ts'
import { space, startGoogleChat } from '../../infra/platforms/google-chat.ts'
import { startKeptn } from '../../infra/platforms/keptn/server.ts'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import { startMattermost } from '../../infra/platforms/mattermost.ts'
import { teamsServer } from '../../infra/platforms/msteams.ts'
import { startNtfy } from '../../infra/platforms/ntfy.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { startServiceNowChange } from '../../infra/platforms/servicenow-change.ts'
import { slackServer } from '../../infra/platforms/slack/server.ts'
import { startTelegram, supergroup } from '../../infra/platforms/telegram.ts'
import { endpointServer } from '../../infra/platforms/webhook.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { openTicket } from '../../shared/providers/ticket-actions.ts'
import { flagPlatforms, ticketPlatforms } from '../e2e/platforms.ts'
import { clientOf, keyOf } from '../functions/helpers.ts'
import { startGithubIssues } from './github-issues.ts'
import { chaosPlatforms } from './job-platforms/chaos-testing.ts'
import { ciCdPlatforms } from './job-platforms/ci-cd.ts'
import { incidentPlatforms } from './job-platforms/incident-management.ts'
import { loadTestPlatforms } from './job-platforms/load-testing.ts'
import { optimizationPlatforms } from './job-platforms/optimization.ts'
import type { JobPlatform } from './job-platforms/platform.ts'
import { remediationPlatforms } from './job-platforms/remediation.ts'
import type { Played, TicketPlatform } from './platform.ts'

/** A fake platform for one call, with the connection and the input of the call. */
export interface Target {
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
const token = 'two starts with the same token are one run'
const state = 'the same state is set again'

/** Every provider with an action that writes, by category and provider. */
export const platforms: Record<string, Platform> = {
  'issue-ticketing/azure-boards': ticket('issue-ticketing/azure-boards', 'open-issue', /^POST .*\/workitems\/\$/i),
  'issue-ticketing/github': platform('open-issue', /^POST .*\/issues$/, startGithubIssues, ({ url, made }) => ({
    connection: { baseUrl: url, token: demo.githubToken, project: 'acme/shop' },
    input: { title: 'Checkout is slow' },
    made,
  })),
  'issue-ticketing/gitlab': ticket('issue-ticketing/gitlab', 'open-issue', /^POST .*\/issues$/),
  'issue-ticketing/jira': ticket('issue-ticketing/jira', 'open-issue', /^POST .*\/issue$/),
  'issue-ticketing/linear': ticket('issue-ticketing/linear', 'open-issue', /^POST .* issueCreate$/),
  'issue-ticketing/redmine': ticket('issue-ticketing/redmine', 'open-issue', /^POST .*\/issues\.json$/),
  'issue-ticketing/http': anyApi('open-issue', httpTickets, { title: 'Checkout is slow' }),

  'incident-management/aws-opscenter': ticket('incident-management/aws-opscenter', 'open-ticket', /^CreateOpsItem$/),
  'incident-management/incident-io': {
    ...ticket('incident-management/incident-io', 'open-ticket', /^POST /),
    repeatable: 'an alert with the same deduplication_key is the same alert',
  },
  'incident-management/servicenow': ticket('incident-management/servicenow', 'open-ticket', /^POST /),
  'incident-management/pagerduty': ticket('incident-management/pagerduty', 'open-ticket', /^POST \/incidents$/),
  'incident-management/pagerduty-events': {
    ...ticket('incident-management/pagerduty-events', 'open-ticket', /^POST /),
    repeatable: 'an alert with the same dedup_key is the same alert',
  },
  'incident-management/jira-service-management': ticket(
    'incident-management/jira-service-management',
    'open-ticket',
    /^POST .*\/issue$/,
  ),
  'incident-management/jsm-operations': {
    ...ticket('incident-management/jsm-operations', 'open-ticket', /^POST .*\/alerts$/),
    repeatable: 'an open alert with the same alias counts the repeat',
  },
  'incident-management/aws-ssm-automation': {
    ...job(incidentPlatforms['aws-ssm-automation'], 'run-runbook'),
    repeatable: token,
  },
  'incident-management/pagerduty-automation': job(incidentPlatforms['pagerduty-automation'], 'run-runbook'),
  'incident-management/rundeck': job(incidentPlatforms.rundeck, 'run-runbook'),
  'incident-management/http': anyApi('open-ticket', httpTickets, { title: 'Checkout is slow' }),
  'incident-management/http-job': anyApi('run-runbook', httpJobs, { target: 'restart' }),

  'ci-cd/github-actions': job(ciCdPlatforms['github-actions'], 'trigger-build'),
  'ci-cd/gitlab-ci': job(ciCdPlatforms['gitlab-ci'], 'trigger-build'),
  'ci-cd/jenkins': job(ciCdPlatforms.jenkins, 'trigger-build'),
  'ci-cd/argo-cd': job(ciCdPlatforms['argo-cd'], 'trigger-build'),
  'ci-cd/aws-codebuild': job(ciCdPlatforms['aws-codebuild'], 'trigger-build'),
  'ci-cd/aws-codepipeline': { ...job(ciCdPlatforms['aws-codepipeline'], 'trigger-build'), repeatable: token },
  'ci-cd/azure-pipelines': job(ciCdPlatforms['azure-pipelines'], 'trigger-build'),
  'ci-cd/circleci': job(ciCdPlatforms.circleci, 'trigger-build'),
  'ci-cd/google-cloud-build': job(ciCdPlatforms['google-cloud-build'], 'trigger-build'),
  'ci-cd/google-cloud-deploy': {
    ...job(ciCdPlatforms['google-cloud-deploy'], 'trigger-deployment'),
    repeatable: 'the name of a rollout is derived from the key',
  },
  'ci-cd/hcp-terraform': job(ciCdPlatforms['hcp-terraform'], 'trigger-build'),
  'ci-cd/kubernetes-job': {
    ...job(ciCdPlatforms['kubernetes-job'], 'trigger-build'),
    repeatable: 'the name of a job is derived from the key',
  },
  'ci-cd/tekton': {
    ...job(ciCdPlatforms.tekton, 'trigger-build'),
    repeatable: 'the name of a run is derived from the key',
  },
  'ci-cd/http': anyApi('trigger-build', httpJobs, { target: 'build' }),

  'feature-flags/aws-appconfig': flag('aws-appconfig', 'set-flag', /^(?:POST|PUT) /),
  'feature-flags/configcat': flag('configcat', 'set-flag', /^PATCH /),
  'feature-flags/flagsmith': flag('flagsmith', 'set-flag', /^(?:POST|PUT|PATCH) /),
  'feature-flags/growthbook': flag('growthbook', 'set-flag', /^(?:POST|PUT) /),
  'feature-flags/launchdarkly': flag('launchdarkly', 'set-flag', /^(?:POST|PUT|PATCH) /),
  'feature-flags/unleash': flag('unleash', 'set-flag', /^(?:POST|PUT|PATCH) /),
  'feature-flags/http': httpFlags('set-flag'),
  'remediation/http-flag': httpFlags('toggle-flag'),

  'load-testing/aws-dlt': job(loadTestPlatforms['aws-dlt'], 'start-test'),
  'load-testing/azure-load-testing': {
    ...job(loadTestPlatforms['azure-load-testing'], 'start-test'),
    repeatable: 'the id of a run is derived from the key, so a second PATCH is the same run',
  },
  'load-testing/blazemeter': job(loadTestPlatforms.blazemeter, 'start-test'),
  'load-testing/gatling': job(loadTestPlatforms.gatling, 'start-test'),
  'load-testing/grafana-k6': job(loadTestPlatforms['grafana-k6'], 'start-test'),
  'load-testing/k6-operator': {
    ...job(loadTestPlatforms['k6-operator'], 'start-test'),
    repeatable: 'the name of a run is derived from the key',
  },
  'load-testing/locust': job(loadTestPlatforms.locust, 'start-test'),
  'load-testing/neoload': job(loadTestPlatforms.neoload, 'start-test'),
  'load-testing/http': anyApi('start-test', httpJobs, { target: 'checkout' }),

  'chaos-testing/chaos-mesh': {
    ...job(chaosPlatforms['chaos-mesh'], 'start-test'),
    repeatable: 'a name is taken once',
  },
  'chaos-testing/aws-fis': { ...job(chaosPlatforms['aws-fis'], 'start-test'), repeatable: token },
  'chaos-testing/azure-chaos-studio': job(chaosPlatforms['azure-chaos-studio'], 'start-test'),
  'chaos-testing/gremlin': job(chaosPlatforms.gremlin, 'start-test'),
  'chaos-testing/steadybit': job(chaosPlatforms.steadybit, 'start-test'),
  'chaos-testing/litmus': job(chaosPlatforms.litmus, 'start-test'),
  'chaos-testing/toxiproxy': { ...job(chaosPlatforms.toxiproxy, 'start-test'), needsTask: true },
  'chaos-testing/http': anyApi('start-test', () => ({ ...httpJobs(), allow: ['latency'] }), { target: 'latency' }),

  'optimization/aws-sagemaker': {
    ...job(optimizationPlatforms['aws-sagemaker'], 'start-model'),
    repeatable: token,
  },
  'optimization/aws-step-functions': {
    ...job(optimizationPlatforms['aws-step-functions'], 'start-model'),
    repeatable: 'an execution with the same name is the same execution',
  },
  'optimization/databricks': { ...job(optimizationPlatforms.databricks, 'start-model'), repeatable: token },
  'optimization/akamas': {
    ...platform('start-model', /^POST /, akamasServer, ({ url }) => ({
      connection: { baseUrl: url, ...akamasUser, mode: 'delegate' },
      input: { target: 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f' },
    })),
    needsTask: true,
    delegates: true,
  },
  'optimization/http': anyApi('start-model', httpJobs, { target: 'tune' }),

  'remediation/argo-cd': job(remediationPlatforms['argo-cd'], 'rollback'),
  'remediation/aws-codepipeline': job(remediationPlatforms['aws-codepipeline'], 'rollback'),
  'remediation/kubernetes': {
    ...job(remediationPlatforms.kubernetes, 'run-runbook'),
    repeatable: 'the template with the same annotation starts no rollout',
  },
  'remediation/awx': job(remediationPlatforms.awx, 'run-runbook'),
  'remediation/stackstorm': job(remediationPlatforms.stackstorm, 'run-runbook'),

  'notification/slack': platform('push-update', /^POST .*chat\.postMessage$/, slackServer, slack),
  'notification/mattermost': platform('push-update', /^POST .*\/posts$/, startMattermost, mattermost),
  'notification/discord': platform('push-update', /^POST .*\/messages$/, startDiscord, discord),
  'notification/msteams': platform('push-update', /^POST /, teamsServer, teams),
  'notification/telegram': platform('push-update', /^POST .*\/sendMessage$/, startTelegram, telegram),
  'notification/google-chat': {
    ...platform('push-update', /^POST .*\/messages$/, startGoogleChat, googleChat),
    repeatable: 'the id of a message is derived from the key',
  },
  'notification/ntfy': platform('push-update', /^POST /, startNtfy, ntfy),
  'notification/webhook': platform('push-update', /^POST /, () => endpointServer(webhookSecret), endpoint),
  'notification/aws-ses': platform('push-update', /^POST .*\/outbound-emails$/, startSes, ses),
  'notification/aws-sns': platform('push-update', /^POST /, startSns, sns),
  'notification/servicenow-change': {
    ...platform('ask-approval', /^POST .*\/change\/normal$/, startServiceNowChange, ({ url, token, state }) => ({
      connection: { baseUrl: url, token },
      input: {},
      made: () => state.changes.length,
    })),
    needsTask: true,
  },
  'notification/http': anyApi('push-update', httpMessages, {}),

  'slo/slack': platform('push-report', /^POST .*chat\.postMessage$/, slackServer, slack),
  'slo/mattermost': platform('push-report', /^POST .*\/posts$/, startMattermost, mattermost),
  'slo/discord': platform('push-report', /^POST .*\/messages$/, startDiscord, discord),
  'slo/msteams': platform('push-report', /^POST /, teamsServer, teams),
  'slo/telegram': platform('push-report', /^POST .*\/sendMessage$/, startTelegram, telegram),
  'slo/google-chat': {
    ...platform('push-report', /^POST .*\/messages$/, startGoogleChat, googleChat),
    repeatable: 'the id of a message is derived from the key',
  },
  'slo/ntfy': platform('push-report', /^POST /, startNtfy, ntfy),
  'slo/webhook': platform('push-report', /^POST /, () => endpointServer(webhookSecret), endpoint),
  'slo/aws-ses': platform('push-report', /^POST .*\/outbound-emails$/, startSes, ses),
  'slo/aws-sns': platform('push-report', /^POST /, startSns, sns),
  'slo/http-message': anyApi('push-report', httpMessages, {}),
  'slo/servicenow': onTicket('incident-management/servicenow', servicenow, /^PATCH /, { id: 'INC0010001' }),
  'slo/jira': onTicket('issue-ticketing/jira', jira, /^POST .*\/comment$/, { id: 'OPS-1', project: 'OPS' }),
  'slo/dynatrace-event': platform('push-report', /^POST .*\/ingest$/, startDynatrace, ({ url, token }) => ({
    connection: { baseUrl: url, token },
    input: {},
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
    input: {},
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
    ({ url }) => ({ connection: { endpoint: url, region }, input: {} }),
  ),
  'slo/aws-eventbridge': platform('push-report', /^PutEvents$/, startEventBridge, ({ url }) => ({
    connection: { endpoint: url, region },
    input: {},
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
  target: (server: S) => Omit<Target, 'server'>,
): Platform {
  return {
    action,
    writes,
    async start() {
      const server = await play()
      return { server, ...target(server) }
    },
  }
}

function slack({ url, token }: Awaited<ReturnType<typeof slackServer>>) {
  return { connection: { baseUrl: url, token, channel: 'C0RELEASES' }, input: {} }
}

function mattermost({ url, token, channel }: Awaited<ReturnType<typeof startMattermost>>) {
  return { connection: { baseUrl: url, token, channel }, input: {} }
}

function discord({ url, token }: Awaited<ReturnType<typeof startDiscord>>) {
  return { connection: { baseUrl: url, token, channel: discordChannel }, input: {} }
}

function telegram({ url, token }: Awaited<ReturnType<typeof startTelegram>>) {
  return { connection: { baseUrl: url, token, channel: String(supergroup) }, input: {} }
}

function googleChat({ url, login, messages }: Awaited<ReturnType<typeof startGoogleChat>>) {
  return { connection: { baseUrl: url, token: login.token, channel: space }, input: {}, made: () => messages.length }
}

function teams({ webhookUrl }: Awaited<ReturnType<typeof teamsServer>>) {
  return { connection: { webhookUrl }, input: {} }
}

function ntfy({ url, token }: Awaited<ReturnType<typeof startNtfy>>) {
  return { connection: { baseUrl: url, token, channel: 'deploys' }, input: {} }
}

function endpoint(server: Awaited<ReturnType<typeof endpointServer>>) {
  return { connection: { baseUrl: server.endpoint, secret: server.secret }, input: {} }
}

function ses({ url }: Awaited<ReturnType<typeof startSes>>) {
  const from = 'deployments@example.com'
  return { connection: { endpoint: url, region, from, channel: 'ops@example.com' }, input: {} }
}

function sns({ url }: Awaited<ReturnType<typeof startSns>>) {
  const channel = 'arn:aws:sns:eu-west-1:123456789012:deploys'
  return { connection: { endpoint: url, region, channel }, input: {} }
}

function ticket(name: string, action: string, writes: RegExp): Platform {
  const { [name]: known }: Record<string, TicketPlatform> = ticketPlatforms
  if (!known) throw new Error(`No fake platform for ${name}`)
  return {
    action,
    writes,
    async start() {
      const { server, connection, made }: Played = await known.start()
      return { server, connection, input: { title: 'Checkout is slow' }, ...(made ? { made } : {}) }
    },
  }
}

/** A report as a comment on an existing ticket. */
function onTicket(name: string, provider: unknown, writes: RegExp, input: { id: string; project?: string }): Platform {
  const played = ticket(name, 'push-report', writes)
  return {
    ...played,
    async start() {
      const target = await played.start()
      const platform = provider as TicketProvider
      const client = clientOf(platform, platform.connection.parse(target.connection), { key: keyOf(9) })
      await openTicket.run(platform, client, { title: 'Checkout is slow', project: input.project })
      return { server: target.server, connection: target.connection, input }
    },
  }
}

function flag(name: string, action: string, writes: RegExp): Platform {
  const known = flagPlatforms[name]
  if (!known) throw new Error(`No fake platform for ${name}`)
  return {
    action,
    writes,
    repeatable: state,
    async start() {
      const { server, connection } = await known.start()
      return { server, connection, input: { flag: known.flags.off, state: 'on' } }
    },
  }
}

function job(known: JobPlatform, action: string): Platform {
  return {
    action,
    writes: known.starts,
    async start() {
      const { server, connection, input, runs } = await known.start()
      return { server, connection, input, made: runs }
    },
  }
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
          ...{ baseUrl: server.url, token: server.token, headers: { 'X-Api-Key': server.apiKey } },
          ...{ environment: 'production', get: at, set: { ...at, method: 'PATCH', body: '{enabled: input.on}' } },
          flag: { on: 'response.enabled' },
        },
        input: { flag: 'checkout-v2', state: 'on' },
      }
    },
  }
}
