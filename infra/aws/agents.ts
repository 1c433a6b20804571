import type { Function as Fn } from 'aws-cdk-lib/aws-lambda'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { FORWARDED_ALIAS } from '../../shared/core/webhook/forwarded.ts'
import { BundleFunction, type Deployment } from './bundle-function.ts'
import type { CategoryFunction } from './category-function.ts'
import { listSecrets, readSecrets, SECRET_PATHS } from './secrets.ts'
import { webhookAlias } from './webhook-alias.ts'

/** API Gateway times out after 29 s. */
const TIMEOUT = Duration.seconds(28)
/** Lambda has the code there. */
const TOOLS_FILE = '/var/task/tools.json'

export interface AgentsProps extends Deployment {
  categories: CategoryFunction[]
}

/**
 * Receives the calls of agents, and forwards them to the webhooks with the credentials of the agent. It can read no connection, and
 * can call nothing itself.
 */
export class Agents extends Construct {
  readonly fn: Fn

  constructor(scope: Construct, id: string, { categories, ...deployment }: AgentsProps) {
    super(scope, id)
    const { settings } = deployment
    const names = categories.map(({ category, webhook: { fn } }) => [
      category.name,
      `${fn.functionName}:${FORWARDED_ALIAS}`,
    ])
    const receiver = new BundleFunction(this, 'Mcp', deployment, {
      bundle: 'mcp',
      entry: 'mcp',
      description: 'Offers the actions to agents, as tools of the Model Context Protocol',
      memory: settings.memory.webhook,
      timeout: TIMEOUT,
      environment: {
        WEBHOOKS_TOOLS_FILE: TOOLS_FILE,
        ...(settings.customDomain ? { WEBHOOKS_MCP_URL: `https://${settings.customDomain.name}/v1/mcp` } : {}),
        WEBHOOKS_WEBHOOK_FUNCTIONS: Stack.of(this).toJsonString(Object.fromEntries(names)),
      },
      permissions: [
        ...readSecrets(this, settings, [SECRET_PATHS.callers]),
        listSecrets,
        {
          actions: ['lambda:InvokeFunction'],
          resources: categories.map((category) => webhookAlias(category, FORWARDED_ALIAS).functionArn),
        },
      ],
    })
    this.fn = receiver.fn
  }
}
