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
import type { FlagPlatform, TicketPlatform } from '../conformance/platform.ts'
import { awsCredentials } from './service.ts'

const aws = { region: 'eu-west-1' }
// The servers that play AWS accept only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

/** Every platform of tickets that a test can play, by category and provider. */
export const ticketPlatforms: Record<string, TicketPlatform> = {
  'issue-ticketing/jira': {
    async start() {
      const server = await startJira()
      const { url: baseUrl, email, token, state } = server
      return { server, connection: { baseUrl, email, token, project: 'OPS' }, made: () => state.issues.length }
    },
    unknownId: 'OPS-424242',
    wrongId: 'no such thing',
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
    close: { comment: 'Rolled back' },
  },
  'issue-ticketing/linear': {
    async start() {
      const server = await startLinear()
      const { url: baseUrl, token, state } = server
      return { server, connection: { baseUrl, token, project: 'ENG' }, made: () => state.issues.length }
    },
    unknownId: 'ENG-424242',
    wrongId: 'no such thing',
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
    close: { comment: 'Rolled back' },
  },
  'issue-ticketing/redmine': {
    async start() {
      const server = await startRedmine()
      const { url: baseUrl, token, state } = server
      return { server, connection: { baseUrl, token, project: 'ops' }, made: () => state.issues.length }
    },
    unknownId: '424242',
    wrongId: 'no such thing',
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
    close: { comment: 'Rolled back' },
  },
  'issue-ticketing/gitlab': {
    async start() {
      const server = await startGitlab()
      const { url: baseUrl, token, state } = server
      return { server, connection: { baseUrl, token, project: 'ops/shop/checkout' }, made: () => state.issues.length }
    },
    unknownId: 'ops/shop/checkout#424242',
    wrongId: 'no such thing',
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
    close: { comment: 'Rolled back' },
  },
  'issue-ticketing/azure-boards': {
    async start() {
      const server = await startAzureBoards()
      const { url: baseUrl, token, state } = server
      const connection = { baseUrl, token, project: 'fabrikam/Fabrikam Fiber' }
      return { server, connection, made: () => state.items.length }
    },
    unknownId: 'fabrikam/Fabrikam Fiber#424242',
    wrongId: 'no such thing',
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
    close: { comment: 'Rolled back' },
  },
  'incident-management/servicenow': {
    async start() {
      const server = await startServiceNow()
      const { url: baseUrl, username, password, state } = server
      return { server, connection: { baseUrl, username, password }, made: () => state.incidents.length }
    },
    unknownId: 'INC0424242',
    wrongId: 'no such thing',
    open: { priority: 'high', severity: 'critical' },
    update: { comment: 'Now 5 s', urgency: 'critical' },
    close: { comment: 'Rolled back' },
  },
  'incident-management/pagerduty': {
    async start() {
      const server = await startPagerDuty()
      const { url: baseUrl, email, token, state } = server
      return { server, connection: { baseUrl, email, token, project: 'PIJ90N7' }, made: () => state.incidents.length }
    },
    unknownId: 'QNOSUCHINCIDENT',
    wrongId: 'no such thing',
    open: { priority: 'high' },
    update: { comment: 'Now 5 s', urgency: 'critical' },
    close: { comment: 'Rolled back' },
  },
  'incident-management/pagerduty-events': {
    async start() {
      const server = await startPagerDutyEvents()
      const { url: baseUrl, token, state } = server
      return { server, connection: { baseUrl, token }, made: () => state.alerts.length }
    },
    unknownId: undefined,
    wrongId: ' no such thing',
    open: { severity: 'critical', labels: 'shop' },
    update: { severity: 'low' },
    close: {},
    blind: true,
  },
  'incident-management/incident-io': {
    async start() {
      const server = await startIncidentIo()
      const { url: baseUrl, source, token, state } = server
      return { server, connection: { baseUrl, source, token }, made: () => state.alerts.length }
    },
    unknownId: undefined,
    wrongId: ' no such thing',
    open: { severity: 'critical', labels: 'shop' },
    update: { severity: 'low' },
    close: {},
    blind: true,
  },
  'incident-management/aws-opscenter': {
    async start() {
      const server = await startSsm()
      return { server, connection: { ...aws, endpoint: server.url }, made: () => server.state.opsItems.length }
    },
    unknownId: 'oi-424242424242',
    wrongId: 'no such thing',
    open: { priority: 'high', severity: 'critical' },
    update: { comment: 'Now 5 s', severity: 'low' },
    close: { comment: 'Rolled back' },
  },
  'incident-management/jsm-operations': {
    async start() {
      const server = await startJsmOperations()
      const { url: baseUrl, cloudId, email, token, state } = server
      const connection = { baseUrl, cloudId, email, token, site: 'https://acme.atlassian.net' }
      return { server, connection, made: () => state.alerts.length }
    },
    unknownId: '00000000-0000-4000-8000-000000000000-1704440650350',
    wrongId: 'no such thing',
    open: { severity: 'critical', labels: 'shop' },
    update: { comment: 'Now 5 s', priority: 'critical' },
    close: { comment: 'Rolled back' },
    neverReopens: true,
  },
  'incident-management/jira-service-management': {
    async start() {
      const server = await startJira()
      const { url: baseUrl, email, token, state } = server
      return { server, connection: { baseUrl, email, token, project: 'OPS' }, made: () => state.issues.length }
    },
    unknownId: 'OPS-424242',
    wrongId: 'no such thing',
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', priority: 'critical' },
    close: { comment: 'Rolled back' },
  },
}

/** Every platform of flags that a test can play, by provider. */
export const flagPlatforms: Record<string, FlagPlatform> = {
  launchdarkly: {
    async start() {
      const server = await startLaunchDarkly()
      const { url: baseUrl, token } = server
      return { server, connection: { baseUrl, token, project: 'shop', environment: 'production' } }
    },
    flags: { off: 'checkout-v2', on: 'slow-recommendations' },
  },
  unleash: {
    async start() {
      const server = await startUnleash()
      const { url: baseUrl, token } = server
      return { server, connection: { baseUrl, token, environment: 'production' } }
    },
    flags: { off: 'checkout-v2', on: 'slow-recommendations' },
  },
  flagsmith: {
    async start() {
      const server = await startFlagsmith()
      const { url: baseUrl, token } = server
      return { server, connection: { baseUrl, token, environment: 'Prod1key' } }
    },
    flags: { off: 'checkout-v2', on: 'slow-recommendations' },
  },
  configcat: {
    async start() {
      const server = await startConfigCat()
      const { url: baseUrl, username, password, product } = server
      const connection = { baseUrl, username, password, product, config: 'Main', environment: 'production' }
      return { server, connection }
    },
    flags: { off: 'checkout-v2', on: 'slow-recommendations' },
  },
  growthbook: {
    async start() {
      const server = await startGrowthBook()
      const { url: baseUrl, token } = server
      return { server, connection: { baseUrl, token, environment: 'production' } }
    },
    flags: { off: 'checkout-v2', on: 'slow-recommendations' },
  },
  'aws-appconfig': {
    async start() {
      const server = await startAppConfig()
      const { application, profile, environment, strategy } = server
      const connection = { ...aws, endpoint: server.url, application, profile, environment }
      return {
        server,
        connection: { ...connection, deploymentStrategy: strategy },
        // Deployments complete at once.
        complete: () => server.end('COMPLETE'),
      }
    },
    flags: { off: 'checkout', on: 'search' },
  },
}
