import { startAppConfig } from '../../infra/platforms/aws-appconfig.ts'
import { startSsm } from '../../infra/platforms/aws-ssm.ts'
import { startAzureBoards } from '../../infra/platforms/azure-boards.ts'
import { startConfigCat } from '../../infra/platforms/configcat.ts'
import { startFlagsmith } from '../../infra/platforms/flagsmith.ts'
import { startGitlab } from '../../infra/platforms/gitlab.ts'
import { startGrowthBook } from '../../infra/platforms/growthbook.ts'
import { startIncidentIo } from '../../infra/platforms/incident-io.ts'
import { startJira } from '../../infra/platforms/jira.ts'
import { startJsmOperations } from '../../infra/platforms/jsm-operations.ts'
import { startLaunchDarkly } from '../../infra/platforms/launchdarkly.ts'
import { startLinear } from '../../infra/platforms/linear.ts'
import { startPagerDuty } from '../../infra/platforms/pagerduty.ts'
import { startPagerDutyEvents } from '../../infra/platforms/pagerduty-events.ts'
import { startRedmine } from '../../infra/platforms/redmine.ts'
import { startServiceNow } from '../../infra/platforms/servicenow/server.ts'
import { startUnleash } from '../../infra/platforms/unleash/server.ts'
import { type FlagPlatform, play, type TicketPlatform } from '../conformance/platform.ts'
import { awsCredentials } from './service.ts'

const aws = { region: 'eu-west-1' }
// The servers that play AWS accept only this access key.
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
  ...{ unknownId: undefined, wrongId: ' no such thing', blind: true as const },
  open: { severity: 'critical', labels: 'shop' },
  update: { severity: 'low' },
  close: {},
}

/** Every platform of tickets that a test can play, by category and provider. */
export const ticketPlatforms = {
  'issue-ticketing/jira': {
    start: play(startJira, ({ url: baseUrl, email, token, state }) => ({
      connection: { baseUrl, email, token, project: 'OPS' },
      made: () => state.issues.length,
    })),
    unknownId: 'OPS-424242',
    ...issue,
  },
  'issue-ticketing/linear': {
    start: play(startLinear, ({ url: baseUrl, token, state }) => ({
      connection: { baseUrl, token, project: 'ENG' },
      made: () => state.issues.length,
    })),
    unknownId: 'ENG-424242',
    ...issue,
  },
  'issue-ticketing/redmine': {
    start: play(startRedmine, ({ url: baseUrl, token, state }) => ({
      connection: { baseUrl, token, project: 'ops' },
      made: () => state.issues.length,
    })),
    unknownId: '424242',
    ...issue,
  },
  'issue-ticketing/gitlab': {
    start: play(startGitlab, ({ url: baseUrl, token, state }) => ({
      connection: { baseUrl, token, project: 'ops/shop/checkout' },
      made: () => state.issues.length,
    })),
    unknownId: 'ops/shop/checkout#424242',
    ...issue,
  },
  'issue-ticketing/azure-boards': {
    start: play(startAzureBoards, ({ url: baseUrl, token, state }) => ({
      connection: { baseUrl, token, project: 'fabrikam/Fabrikam Fiber' },
      made: () => state.items.length,
    })),
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
    start: play(startPagerDuty, ({ url: baseUrl, email, token, state }) => ({
      connection: { baseUrl, email, token, project: 'PIJ90N7' },
      made: () => state.incidents.length,
    })),
    unknownId: 'QNOSUCHINCIDENT',
    ...ticket,
    open: { priority: 'high' },
    update: { comment: 'Now 5 s', urgency: 'critical' },
  },
  'incident-management/pagerduty-events': {
    start: play(startPagerDutyEvents, ({ url: baseUrl, token, state }) => ({
      connection: { baseUrl, token },
      made: () => state.alerts.length,
    })),
    ...alert,
  },
  'incident-management/incident-io': {
    start: play(startIncidentIo, ({ url: baseUrl, source, token, state }) => ({
      connection: { baseUrl, source, token },
      made: () => state.alerts.length,
    })),
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
    start: play(startJsmOperations, ({ url: baseUrl, cloudId, email, token, state }) => ({
      connection: { baseUrl, cloudId, email, token, site: 'https://acme.atlassian.net' },
      made: () => state.alerts.length,
    })),
    unknownId: '00000000-0000-4000-8000-000000000000-1704440650350',
    ...ticket,
    open: { severity: 'critical', labels: 'shop' },
    update: { comment: 'Now 5 s', priority: 'critical' },
    neverReopens: true,
  },
  'incident-management/jira-service-management': {
    start: play(startJira, ({ url: baseUrl, email, token, state }) => ({
      connection: { baseUrl, email, token, project: 'OPS' },
      made: () => state.issues.length,
    })),
    unknownId: 'OPS-424242',
    ...ticket,
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', priority: 'critical' },
  },
} satisfies Record<string, TicketPlatform>

/** Every platform of flags that a test can play, by provider. */
export const flagPlatforms = {
  launchdarkly: {
    start: play(startLaunchDarkly, ({ url: baseUrl, token }) => ({
      connection: { baseUrl, token, project: 'shop', environment: 'production' },
    })),
    flags,
  },
  unleash: {
    start: play(startUnleash, ({ url: baseUrl, token }) => ({
      connection: { baseUrl, token, environment: 'production' },
    })),
    flags,
  },
  flagsmith: {
    start: play(startFlagsmith, ({ url: baseUrl, token }) => ({
      connection: { baseUrl, token, environment: 'Prod1key' },
    })),
    flags,
  },
  configcat: {
    start: play(startConfigCat, ({ url: baseUrl, username, password, product }) => ({
      connection: { baseUrl, username, password, product, config: 'Main', environment: 'production' },
    })),
    flags,
  },
  growthbook: {
    start: play(startGrowthBook, ({ url: baseUrl, token }) => ({
      connection: { baseUrl, token, environment: 'production' },
    })),
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
