import type { Function as Fn } from 'aws-cdk-lib/aws-lambda'
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { type CfnQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import { EVENTS_ALIAS } from '../../shared/core/webhook/forwarded.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { BundleFunction, type Deployment } from './bundle-function.ts'
import type { CategoryFunction } from './category-function.ts'
import type { DeployedEvents } from './deployed-events.ts'
import { deadLetterQueue } from './durable-function.ts'
import type { StateTable } from './state-table.ts'
import { webhookAlias } from './webhook-alias.ts'

const TIMEOUT = Duration.minutes(1)
/** AWS recommends six times the timeout of the function. */
const VISIBILITY = Duration.minutes(6)
/** With pauses of up to 15 minutes, a message that has to wait is tried for ten days. */
const MAX_RECEIVES = 1_000
const MAX_CONCURRENCY = 5
const BATCH = 10

export interface AlertDispatchProps extends Deployment {
  events: DeployedEvents
  categories: CategoryFunction[]
  table: StateTable
}

/**
 * The queue of the alerts for which rules make calls, and the function that makes them. It invokes the webhooks through an alias that
 * accepts calls of sources only, so it can act as no other caller.
 */
export class AlertDispatch extends Construct {
  readonly queue: Queue
  readonly deadLetters: Queue
  readonly fn: Fn

  constructor(scope: Construct, id: string, { events, categories, table, ...deployment }: AlertDispatchProps) {
    super(scope, id)
    const { settings, dataKey } = deployment
    this.deadLetters = deadLetterQueue(this, 'DeadLetters', dataKey)
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: VISIBILITY,
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_RECEIVES },
    })
    if (dataKey) {
      const resource = this.queue.node.defaultChild as CfnQueue
      resource.sqsManagedSseEnabled = false
      resource.kmsMasterKeyId = dataKey.keyArn
    }
    const called = categories.filter(({ category }) => events.sourcesCalling(category.name).length > 0)
    const names = called.map((category) => [category.category.name, aliasName(category)])
    const sources = events.sourcesWithRules
    const dispatch = new BundleFunction(this, 'Dispatch', deployment, {
      bundle: 'dispatch',
      entry: 'dispatch',
      description: 'Makes the calls of rules for alerts',
      memory: settings.memory.webhook,
      timeout: TIMEOUT,
      environment: {
        WEBHOOKS_STATE_TABLE: table.name,
        WEBHOOKS_EVENTS_FILE: events.file,
        WEBHOOKS_WEBHOOK_FUNCTIONS: Stack.of(this).toJsonString(Object.fromEntries(names)),
        WEBHOOKS_ALERT_QUEUE: this.queue.queueUrl,
        WEBHOOKS_ALERT_DEAD_LETTERS: this.deadLetters.queueUrl,
      },
      layers: [events.layer],
      permissions: [
        {
          actions: ['lambda:InvokeFunction'],
          resources: called.map((category) => webhookAlias(category, EVENTS_ALIAS).functionArn),
        },
        ...table.allow(
          ['GetItem', 'PutItem', 'UpdateItem'],
          sources.flatMap((source) => [
            itemKeys.alert(source, '*'),
            itemKeys.alertCall(source, '*'),
            itemKeys.alertGroup(source, '*'),
          ]),
        ),
        ...this.sendTo([this.queue, this.deadLetters], deployment),
      ],
    })
    this.fn = dispatch.fn
    this.fn.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: BATCH,
        maxConcurrency: MAX_CONCURRENCY,
        reportBatchItemFailures: true,
      }),
    )
  }

  /** Returns the permissions to send messages. */
  sendTo(queues: Queue[], { dataKey }: Deployment): Permission[] {
    const send = { actions: ['sqs:SendMessage'], resources: queues.map(({ queueArn }) => queueArn) }
    if (dataKey === undefined) return [send]
    const { region, urlSuffix } = Stack.of(this)
    const encrypt = {
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [dataKey.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `sqs.${region}.${urlSuffix}` } },
    }
    return [send, encrypt]
  }
}

function aliasName({ webhook }: CategoryFunction): string {
  return `${webhook.fn.functionName}:${EVENTS_ALIAS}`
}
