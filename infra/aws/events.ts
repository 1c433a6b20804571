import { CfnRule, Rule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { Function as Fn } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { AWS_SOURCE, type DeclaredSource } from '../../shared/sources/declared.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import type { AlertDispatch } from './alert-dispatch.ts'
import { awsPermissions } from './aws-permissions.ts'
import { BundleFunction, type Deployment, EXECUTIONS_WILDCARD_REASON } from './bundle-function.ts'
import type { CategoryFunction } from './category-function.ts'
import type { DeployedEvents } from './deployed-events.ts'
import { pascalCase } from './pascal-case.ts'
import type { AwsProviders } from './provider-permissions.ts'
import { readSecrets, SECRET_PATHS } from './secrets.ts'
import type { StateTable } from './state-table.ts'

/** Longer than most senders wait. */
const TIMEOUT = Duration.seconds(15)
/** A later event is useless: the task has polled in the meantime. */
const MAX_EVENT_AGE = Duration.minutes(15)
/** A pattern of EventBridge may have 2,048 characters. */
const ARNS_PER_RULE = 8

export interface EventsProps extends Deployment {
  events: DeployedEvents
  /** Makes the calls of the rules, if there are any. */
  dispatch: AlertDispatch | undefined
  categories: CategoryFunction[]
  table: StateTable
}

/** Receives the notifications of the declared sources, wakes the tasks that wait, and queues alerts. It can do nothing else. */
export class Events extends Construct {
  readonly fn: Fn
  /** The HTTP methods of its requests. */
  readonly methods: readonly string[]

  constructor(scope: Construct, id: string, { events, dispatch, categories, table, ...deployment }: EventsProps) {
    super(scope, id)
    const { settings } = deployment
    const sources = Object.keys(events.sources)
    const woken = categories.filter(({ category }) => events.sourcesOf(category.name).length > 0)
    const tasks = woken.map(({ task }) => `${task.fn.functionArn}:*`)
    const receiver = new BundleFunction(this, 'Receiver', deployment, {
      bundle: 'events',
      entry: 'events',
      description: 'Receives notifications: wakes the tasks that wait, and queues alerts',
      memory: settings.memory.webhook,
      timeout: TIMEOUT,
      environment: {
        WEBHOOKS_STATE_TABLE: table.name,
        WEBHOOKS_EVENTS_FILE: events.file,
        ...(dispatch ? { WEBHOOKS_ALERT_QUEUE: dispatch.queue.queueUrl } : {}),
      },
      layers: [events.layer],
      permissions: [
        ...readSecrets(this, settings, sources.map(SECRET_PATHS.source)),
        ...table.allow(
          ['GetItem'],
          [
            ...sources.map((source) => itemKeys.wake(source, '*')),
            ...woken.map(({ category }) => itemKeys.waiter(category.name, '*')),
          ],
        ),
        ...table.allow(['UpdateItem'], sources.map(itemKeys.sourceActivity)),
        ...(dispatch?.sendTo([dispatch.queue], deployment) ?? []),
        ...(tasks.length === 0
          ? []
          : [
              {
                actions: ['lambda:SendDurableExecutionCallbackSuccess'],
                resources: tasks,
                wildcardReason: EXECUTIONS_WILDCARD_REASON,
              },
            ]),
      ],
    })
    this.fn = receiver.fn
    this.methods = events.methods
    if (AWS_SOURCE in events.sources) this.#addRules(settings.awsProviders)
    this.#addPatterns(events.sources[AWS_SOURCE]?.patterns)
  }

  /** Sends the events for rules of `events.yaml`. */
  #addPatterns(patterns: DeclaredSource['patterns'] = []): void {
    for (const [index, pattern] of patterns.entries()) {
      // A rule of CDK has other names for the fields of a pattern.
      const rule = new CfnRule(this, `Pattern${index + 1}`, {
        description: 'Events for rules of events.yaml',
        eventPattern: pattern,
        targets: [{ arn: this.fn.functionArn, id: 'Target0' }],
      })
      const principal = new ServicePrincipal('events.amazonaws.com')
      this.fn.addPermission(`Pattern${index + 1}`, { principal, sourceArn: rule.attrArn })
    }
  }

  /** Sends the events about the end of a run of the AWS services in the settings. */
  #addRules(configured: AwsProviders = {}): void {
    const target = new LambdaFunction(this.fn, { maxEventAge: MAX_EVENT_AGE })
    for (const [provider, { arns: kinds, ends }] of Object.entries(awsPermissions)) {
      const arns = configured[provider] ?? []
      if (!ends) continue
      for (let start = 0; start < arns.length; start += ARNS_PER_RULE) {
        const some = arns.slice(start, start + ARNS_PER_RULE)
        const patterns = ends((kind) => some.filter((arn) => kinds[kind]?.pattern.test(arn)))
        for (const [index, { source, detailType, ...matched }] of patterns.entries())
          new Rule(this, `${pascalCase(provider)}${start / ARNS_PER_RULE + 1}${index === 0 ? '' : `-${index + 1}`}`, {
            description: `Ends of runs of ${provider}`,
            eventPattern: { source: [source], detailType, ...matched },
            targets: [target],
          })
      }
    }
  }
}
