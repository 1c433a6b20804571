import type { Category } from '../../../../shared/providers/category.ts'
import { categories } from '../../../project/categories.ts'
import { connectionsToGenericApi } from '../generic-api/connections.ts'
import { demo } from './demo.ts'

/**
 * Returns the default connections of the local runtime to the sandbox, by `<category>/<name>`.
 *
 * @param url of the runtime
 */
export function sandboxConnections(url: string): Record<string, object> {
  const unleash = {
    provider: 'unleash',
    baseUrl: `${url}/sandbox/unleash`,
    token: demo.unleash.token,
    project: 'default',
    environment: 'production',
  }
  const rundeck = {
    provider: 'rundeck',
    baseUrl: `${url}/sandbox/rundeck`,
    token: demo.rundeckToken,
    project: 'shop',
    target: 'restart-checkout',
    keyOption: 'key',
  }
  const dynatrace = { baseUrl: `${url}/sandbox/dynatrace`, token: demo.dynatraceToken }
  return {
    ...toGenericApi(url),
    'issue-ticketing/default': {
      provider: 'github',
      baseUrl: `${url}/sandbox/github`,
      token: demo.githubToken,
      project: 'demo/shop',
    },
    'incident-management/default': {
      provider: 'servicenow',
      baseUrl: `${url}/sandbox/servicenow`,
      username: demo.serviceNow.username,
      password: demo.serviceNow.password,
    },
    'incident-management/runbooks': rundeck,
    'feature-flags/default': unleash,
    'ci-cd/default': {
      provider: 'github-actions',
      baseUrl: `${url}/sandbox/github`,
      token: demo.githubToken,
      project: 'demo/shop',
      target: 'deploy.yml',
      keyInput: 'key',
    },
    'load-testing/default': {
      provider: 'autocannon',
      allow: [`${url}/sandbox/shop/`],
      target: `${url}/sandbox/shop/`,
    },
    'chaos-testing/default': {
      provider: 'toxiproxy',
      baseUrl: `${url}/sandbox/toxiproxy`,
      allow: ['shop-*'],
      target: 'shop-db',
    },
    'notification/default': {
      provider: 'slack',
      baseUrl: `${url}/sandbox/slack`,
      token: demo.slack.token,
      signingSecret: demo.slack.signingSecret,
      channel: 'C0RELEASES',
    },
    // The SLOs have the names of the services, and their values are available immediately.
    'slo/default': { provider: 'dynatrace', ...dynatrace, slo: '$SERVICE', dataDelay: 0 },
    'slo/guardian': {
      provider: 'dynatrace-guardian',
      baseUrl: `${url}/sandbox/dynatrace`,
      token: demo.dynatracePlatformToken,
      workflow: demo.workflows.guardian,
      slo: 'Checkout',
    },
    'slo/events': {
      provider: 'dynatrace-event',
      ...dynatrace,
      entitySelector: 'type(SERVICE),entityName.equals("$SERVICE")',
    },
    'optimization/default': {
      provider: 'databricks',
      baseUrl: `${url}/sandbox/databricks`,
      token: demo.databricksToken,
      target: '101',
    },
    'remediation/default': {
      ...rundeck,
      actions: {
        // The value of the action contains the flag and its state.
        'toggle-feature': { action: 'toggle-flag', connection: 'flags' },
        'restart-service': { action: 'run-runbook', input: { target: 'restart-checkout' } },
      },
    },
    'remediation/flags': unleash,
  }
}

/**
 * The connections of the sandbox for the actions that the default connection of their category does not support. Every
 * caller of the sandbox has them as defaults.
 */
export const sandboxDefaults = {
  'incident-management/run-runbook': 'runbooks',
  'incident-management/stop-runbook': 'runbooks',
  'remediation/toggle-flag': 'flags',
  'remediation/rollback': 'tool',
  'slo/push-report': 'events',
}

/** The first connection of each category to the generic API is also its default, unless another platform is. */
function toGenericApi(url: string): Record<string, object> {
  const all: readonly Category[] = categories
  const connections = all.flatMap((category) =>
    Object.entries(connectionsToGenericApi(category, url)).flatMap(([name, connection], at): [string, object][] => [
      ...(at === 0 ? [[`${category.name}/default`, connection] as [string, object]] : []),
      [`${category.name}/${name}`, connection],
    ]),
  )
  return Object.fromEntries(connections)
}

/** URL of the API that receives the button clicks of the sandbox's Slack. */
export function interactivityUrl(url: string): string {
  return `${url}/v1/notification/slack`
}
