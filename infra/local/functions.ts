import { join, resolve } from 'node:path'
import { NOTIFICATION } from '../../shared/core/call.ts'
import { executionTimeoutOf } from '../../shared/core/max-deadlines.ts'
import { EVENTS_ALIAS, FORWARDED_ALIAS } from '../../shared/core/webhook/forwarded.ts'
import { pascalCase } from '../aws/pascal-case.ts'
import { dispatch, events, finisher, mcp, stops, toolsFile, webhookFile } from '../build/files.ts'
import { categories } from '../project/categories.ts'
import type { LocalFunction, LocalQueue } from './cloud/index.ts'

/** Name of the DynamoDB table. */
export const STATE_TABLE = 'webhooks'

/** The default name of the stack. */
export const STACK = 'CloudAutomationWebhooks'
/** The same as in the stack. */
const EVENTS_TIMEOUT_SECONDS = 15
const MCP_TIMEOUT_SECONDS = 28
const DISPATCH_TIMEOUT_SECONDS = 60
const STOPS_TIMEOUT_SECONDS = 30
/** The queue for alerts, and its dead letters. */
export const ALERTS = 'alerts'
export const ALERT_DEAD_LETTERS = 'alerts-dead-letters'

/**
 * Returns the queues of the functions.
 *
 * @param hasSources whether there is a function that handles alerts. Without one, alerts of an earlier start stay in the queue
 */
export function localQueues(hasSources: boolean): LocalQueue[] {
  return [
    {
      name: ALERTS,
      ...(hasSources ? { consumer: dispatch } : {}),
      deadLetters: ALERT_DEAD_LETTERS,
      maxReceives: 1_000,
      visibilitySeconds: DISPATCH_TIMEOUT_SECONDS,
    },
    { name: ALERT_DEAD_LETTERS },
  ]
}
/** Limit of Lambda for one invocation of a task. */
const TASK_TIMEOUT_SECONDS = 300
const DAY_SECONDS = 86_400

interface FunctionOptions {
  /** Folder of the bundles. */
  bundles: string
  webhookTimeoutSeconds: number
  /** Replaces the execution timeout of each category. */
  executionTimeoutSeconds?: number | undefined
  /** Limit of the environments of each function. */
  concurrency?: number | undefined
  /** The file with the declared sources, as JSON. Without it, no function receives notifications. */
  eventsFile?: string | undefined
  /** The file with the policy, as JSON. Without it, there is none. */
  policyFile?: string | undefined
  /** Whether agents can sign in. */
  hasAgentSignIn?: boolean | undefined
  /** URL of the runtime. */
  url: string
}

/** Returns the Lambda functions of all categories, the finisher, the functions for agents and for stops, and the receiver of notifications. */
export function localFunctions(options: FunctionOptions): LocalFunction[] {
  const { bundles, url, webhookTimeoutSeconds, concurrency, eventsFile, policyFile } = options
  const functions = categories.flatMap((category): LocalFunction[] => {
    const { name } = category
    const environment = {
      ...commonVariables(),
      ...(eventsFile === undefined ? {} : { WEBHOOKS_EVENTS_FILE: eventsFile }),
      ...(policyFile === undefined ? {} : { WEBHOOKS_POLICY_FILE: policyFile }),
      WEBHOOKS_TASK_FUNCTION: `${name}-task:live`,
      ...(policyFile === undefined ? {} : { WEBHOOKS_ASKING_FUNCTION: `${NOTIFICATION}-task:live` }),
      WEBHOOKS_URL: url,
      WEBHOOKS_STATE_TABLE: STATE_TABLE,
    }
    const bundle = (file: string) => ({ file: join(bundles, name, file), handler: 'handler', environment })
    const executionTimeoutSeconds = options.executionTimeoutSeconds ?? executionTimeoutOf(category)
    return [
      {
        name: `${name}-webhook`,
        ...bundle(webhookFile),
        timeoutSeconds: webhookTimeoutSeconds,
        tags: tagsOf(`${pascalCase(name)}WebhookFunction`),
      },
      {
        name: `${name}-task`,
        ...bundle('task.js'),
        timeoutSeconds: TASK_TIMEOUT_SECONDS,
        durable: { executionTimeoutSeconds, retentionDays: 14 },
        tags: tagsOf(`${pascalCase(name)}TaskFunction`),
      },
    ]
  })
  const receivers =
    eventsFile === undefined ? [] : [eventsFunction(bundles, eventsFile), dispatchFunction(bundles, eventsFile)]
  return [...functions, finisherFunction(bundles), stopsFunction(bundles), mcpFunction(options), ...receivers].map(
    (fn) => (concurrency === undefined ? fn : { ...fn, concurrency }),
  )
}

function eventsFunction(bundles: string, eventsFile: string): LocalFunction {
  return {
    name: events,
    file: join(bundles, events, `${events}.js`),
    handler: 'handler',
    environment: alertVariables(eventsFile),
    timeoutSeconds: EVENTS_TIMEOUT_SECONDS,
    tags: tagsOf('EventsReceiverFunction'),
  }
}

function dispatchFunction(bundles: string, eventsFile: string): LocalFunction {
  const webhooks = categories.map(({ name }) => [name, `${name}-webhook:${EVENTS_ALIAS}`])
  return {
    name: dispatch,
    file: join(bundles, dispatch, `${dispatch}.js`),
    handler: 'handler',
    environment: {
      ...alertVariables(eventsFile),
      WEBHOOKS_WEBHOOK_FUNCTIONS: JSON.stringify(Object.fromEntries(webhooks)),
    },
    timeoutSeconds: DISPATCH_TIMEOUT_SECONDS,
    tags: tagsOf('AlertsDispatchFunction'),
  }
}

function alertVariables(eventsFile: string): Record<string, string> {
  return {
    ...commonVariables(),
    WEBHOOKS_STATE_TABLE: STATE_TABLE,
    WEBHOOKS_EVENTS_FILE: eventsFile,
    // The local SQS needs no host in the URL.
    WEBHOOKS_ALERT_QUEUE: ALERTS,
    WEBHOOKS_ALERT_DEAD_LETTERS: ALERT_DEAD_LETTERS,
  }
}

function mcpFunction({ bundles, url, hasAgentSignIn }: FunctionOptions): LocalFunction {
  const webhooks = categories.map(({ name }) => [name, `${name}-webhook:${FORWARDED_ALIAS}`])
  return {
    name: mcp,
    file: join(bundles, mcp, `${mcp}.js`),
    handler: 'handler',
    environment: {
      ...commonVariables(),
      ...(hasAgentSignIn ? { WEBHOOKS_MCP_URL: `${url}/v1/mcp` } : {}),
      WEBHOOKS_TOOLS_FILE: resolve(bundles, mcp, toolsFile),
      WEBHOOKS_WEBHOOK_FUNCTIONS: JSON.stringify(Object.fromEntries(webhooks)),
    },
    timeoutSeconds: MCP_TIMEOUT_SECONDS,
    tags: tagsOf('AgentsMcpFunction'),
  }
}

function finisherFunction(bundles: string): LocalFunction {
  return {
    name: finisher,
    file: join(bundles, finisher, `${finisher}.js`),
    handler: 'handler',
    environment: { ...commonVariables(), WEBHOOKS_STATE_TABLE: STATE_TABLE },
    timeoutSeconds: TASK_TIMEOUT_SECONDS,
    durable: { executionTimeoutSeconds: 2 * DAY_SECONDS, retentionDays: 14 },
    tags: tagsOf('FinisherFunction'),
  }
}

function stopsFunction(bundles: string): LocalFunction {
  return {
    name: stops,
    file: join(bundles, stops, `${stops}.js`),
    handler: 'handler',
    environment: { ...commonVariables(), WEBHOOKS_STATE_TABLE: STATE_TABLE },
    timeoutSeconds: STOPS_TIMEOUT_SECONDS,
    tags: tagsOf('StopsFunction'),
  }
}

/** The tags that CloudFormation adds, so that commands with `--stack` work locally, too. */
function tagsOf(logicalId: string): Record<string, string> {
  return { 'aws:cloudformation:stack-name': STACK, 'aws:cloudformation:logical-id': logicalId }
}

/** The log level is DEBUG, because the console shows the outgoing calls in the log. */
function commonVariables(): Record<string, string> {
  const inherited = ['WEBHOOKS_SECRET_PREFIX', 'WEBHOOKS_LOG_LEVEL'].flatMap((name) => {
    const value = process.env[name]
    return value ? [[name, value]] : []
  })
  return { WEBHOOKS_LOG_LEVEL: 'DEBUG', ...Object.fromEntries(inherited) }
}
