import type { Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { type FlagPlatform, play, type TicketPlatform } from '../conformance/platform.ts'
import { startAppConfig } from '../platforms/aws-appconfig.ts'
import { startSsm } from '../platforms/aws-ssm.ts'
import { startAzureBoards } from '../platforms/azure-boards.ts'
import { startConfigCat } from '../platforms/configcat.ts'
import { startFlagsmith } from '../platforms/flagsmith.ts'
import { startGitlab } from '../platforms/gitlab.ts'
import { startGrowthBook } from '../platforms/growthbook.ts'
import { startIncidentIo } from '../platforms/incident-io.ts'
import { startJira } from '../platforms/jira.ts'
import { startJsmOperations } from '../platforms/jsm-operations.ts'
import { startLaunchDarkly } from '../platforms/launchdarkly.ts'
import { startLinear } from '../platforms/linear.ts'
import { startPagerDuty } from '../platforms/pagerduty.ts'
import { startPagerDutyEvents } from '../platforms/pagerduty-events.ts'
import { startRedmine } from '../platforms/redmine.ts'
import { startServiceNow } from '../platforms/servicenow/server.ts'
import { startUnleash } from '../platforms/unleash/server.ts'
import { awsCredentials } from './service.ts'

const aws = { region: 'eu-west-1' }
// The servers that simulate AWS accept only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

const flags = { off: 'checkout-v2', on: 'slow-recommendations' }
/** The inputs that several platforms accept. */
const ticket = { wrongId: 'no such thing', close: { comment: 'Rolled back' } }
const issue = {
  ...ticket,
  open: { labels: 'shop,urgent', priority: 'high' },
  update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
}
const alert = {
  unknownId: undefined,
  wrongId: ' no such thing',
  blind: true as const,
  open: { severity: 'critical', labels: 'shop' },
  update: { severity: 'low' },
  close: {},
}

const withToken = ({ url: baseUrl, token }: { url: string; token: string }) => ({ baseUrl, token })

/**
 * Returns a function that starts a fake platform of tickets whose connection has a URL and a token.
 *
 * @param tickets the list of the fake that holds its tickets
 * @param fields properties of the fake that are also fields of the connection
 */
function playTickets<K extends string, S extends Served & { token: string; state: Record<K, readonly unknown[]> }>(
  start: () => Promise<S>,
  tickets: K,
  settings: object = {},
  fields: (keyof S)[] = [],
) {
  return play(start, (server) => ({
    connection: {
      ...withToken(server),
      ...settings,
      ...Object.fromEntries(fields.map((name) => [name, server[name]])),
    },
    made: () => server.state[tickets].length,
  }))
}

/** Every platform of tickets that a test can simulate, by category and provider. */
export const ticketPlatforms = {
  'issue-ticketing/jira': {
    start: playTickets(startJira, 'issues', { project: 'OPS' }, ['email']),
    unknownId: 'OPS-424242',
    ...issue,
  },
  'issue-ticketing/linear': {
    start: playTickets(startLinear, 'issues', { project: 'ENG' }),
    unknownId: 'ENG-424242',
    ...issue,
  },
  'issue-ticketing/redmine': {
    start: playTickets(startRedmine, 'issues', { project: 'ops' }),
    unknownId: '424242',
    ...issue,
  },
  'issue-ticketing/gitlab': {
    start: playTickets(startGitlab, 'issues', { project: 'ops/shop/checkout' }),
    unknownId: 'ops/shop/checkout#424242',
    ...issue,
  },
  'issue-ticketing/azure-boards': {
    start: playTickets(startAzureBoards, 'items', { project: 'fabrikam/Fabrikam Fiber' }),
    unknownId: 'fabrikam/Fabrikam Fiber#424242',
    ...issue,
  },
  'incident-management/servicenow': {
    start: play(startServiceNow, ({ url: baseUrl, username, password, state }) => ({
      connection: { baseUrl, username, password },
      made: () => state.incidents.length,
    })),
    unknownId: 'INC0424242',
    ...ticket,
    open: { priority: 'high', severity: 'critical' },
    update: { comment: 'Now 5 s', urgency: 'critical' },
  },
  'incident-management/pagerduty': {
    start: playTickets(startPagerDuty, 'incidents', { project: 'PIJ90N7' }, ['email']),
    unknownId: 'QNOSUCHINCIDENT',
    ...ticket,
    open: { priority: 'high' },
    update: { comment: 'Now 5 s', urgency: 'critical' },
  },
  'incident-management/pagerduty-events': {
    start: playTickets(startPagerDutyEvents, 'alerts'),
    ...alert,
  },
  'incident-management/incident-io': {
    start: playTickets(startIncidentIo, 'alerts', {}, ['source']),
    ...alert,
  },
  'incident-management/aws-opscenter': {
    start: play(startSsm, ({ url: endpoint, state }) => ({
      connection: { ...aws, endpoint },
      made: () => state.opsItems.length,
    })),
    unknownId: 'oi-424242424242',
    ...ticket,
    open: { priority: 'high', severity: 'critical' },
    update: { comment: 'Now 5 s', severity: 'low' },
  },
  'incident-management/jsm-operations': {
    start: playTickets(startJsmOperations, 'alerts', { site: 'https://acme.atlassian.net' }, ['cloudId', 'email']),
    unknownId: '00000000-0000-4000-8000-000000000000-1704440650350',
    ...ticket,
    open: { severity: 'critical', labels: 'shop' },
    update: { comment: 'Now 5 s', priority: 'critical' },
    neverReopens: true,
  },
  'incident-management/jira-service-management': {
    start: playTickets(startJira, 'issues', { project: 'OPS' }, ['email']),
    unknownId: 'OPS-424242',
    ...ticket,
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', priority: 'critical' },
  },
} satisfies Record<string, TicketPlatform>

/** Every platform of flags that a test can simulate, by provider. */
export const flagPlatforms = {
  launchdarkly: {
    start: play(startLaunchDarkly, (server) => ({
      connection: { ...withToken(server), project: 'shop', environment: 'production' },
    })),
    flags,
  },
  unleash: {
    start: play(startUnleash, (server) => ({ connection: { ...withToken(server), environment: 'production' } })),
    flags,
  },
  flagsmith: {
    start: play(startFlagsmith, (server) => ({ connection: { ...withToken(server), environment: 'Prod1key' } })),
    flags,
  },
  configcat: {
    start: play(startConfigCat, ({ url: baseUrl, username, password, product }) => ({
      connection: { baseUrl, username, password, product, config: 'Main', environment: 'production' },
    })),
    flags,
  },
  growthbook: {
    start: play(startGrowthBook, (server) => ({ connection: { ...withToken(server), environment: 'production' } })),
    flags,
  },
  'aws-appconfig': {
    start: play(startAppConfig, ({ url: endpoint, application, profile, environment, strategy, end }) => ({
      connection: { ...aws, endpoint, application, profile, environment, deploymentStrategy: strategy },
      // Deployments complete at once.
      complete: () => end('COMPLETE'),
    })),
    flags: { off: 'checkout', on: 'search' },
  },
} satisfies Record<string, FlagPlatform>
