import { Key } from 'aws-cdk-lib/aws-kms'
import { Aws, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { hasNeed } from '../../shared/providers/action.ts'
import { Agents } from './agents.ts'
import { Alarms } from './alarms.ts'
import { AlertDispatch } from './alert-dispatch.ts'
import { Api } from './api.ts'
import { Approvals } from './approvals.ts'
import { CategoryFunction } from './category-function.ts'
import type { CategoryInfo } from './category-info.ts'
import { Dashboard } from './dashboard.ts'
import { deployEvents } from './deployed-events.ts'
import { deployPolicy } from './deployed-policy.ts'
import { Events } from './events.ts'
import { Finisher } from './finisher.ts'
import { GeneratedKey } from './generated-key.ts'
import { nextSteps } from './next-steps.ts'
import { pascalCase } from './pascal-case.ts'
import { logGroupsOf, SavedQueries } from './queries.ts'
import { Redelivery } from './redelivery.ts'
import { Rollout } from './rollout.ts'
import { ScheduledVerify } from './scheduled-verify.ts'
import type { Settings } from './settings.ts'
import { StartLimits } from './start-limits.ts'
import { StateTable } from './state-table.ts'
import { Stops } from './stops.ts'
import { TodaysPolicy } from './todays-policy.ts'
import { Turns } from './turns.ts'

export interface WebhooksStackProps extends StackProps {
  settings: Settings
  /** All categories. The settings decide which of them are deployed. */
  categories: readonly CategoryInfo[]
  /** Folder of the bundles: `dist/`. */
  bundles: string
}

/** A complete deployment: the API, two functions for each category, shared resources, alarms and a dashboard. */
export class WebhooksStack extends Stack {
  constructor(scope: Construct, id: string, { settings, categories: all, bundles, ...props }: WebhooksStackProps) {
    super(scope, id, {
      description: 'Webhooks for agents, pipelines, alerts and Keptn',
      terminationProtection: settings.terminationProtection,
      ...props,
    })
    const { dataKeyArn } = settings
    const dataKey = dataKeyArn === undefined ? undefined : Key.fromKeyArn(this, 'DataKey', dataKeyArn)
    const enabled = all.filter(({ name }) => settings.categories[name] !== false)
    const events = deployEvents(this, settings, enabled)
    const policy = deployPolicy(this, settings)
    const deployment = { settings, bundles, dataKey, events, policy }
    const table = new StateTable(this, 'Idempotency', dataKey)
    const todaysPolicy = new TodaysPolicy(this, 'TodaysPolicy', deployment)
    const categories = enabled.map(
      (category) =>
        new CategoryFunction(this, pascalCase(category.name), { ...deployment, category, table, todaysPolicy }),
    )
    this.#addKeys(settings, categories)
    const finisher = new Finisher(this, 'Finisher', { ...deployment, table, tasks: categories.map(({ task }) => task) })
    if (policy?.hasStartLimits) new StartLimits(this, 'StartLimits', { categories, table })
    if (policy?.hasTurns) new Turns(this, 'Turns', { categories, finisher, table })
    new Stops(this, 'Stops', { ...deployment, table })
    if (settings.redeliver) new Redelivery(this, 'Redelivery', { ...deployment, redeliver: settings.redeliver })
    const dispatch =
      events && events.sourcesWithRules.length > 0
        ? new AlertDispatch(this, 'Alerts', { ...deployment, events, categories, table })
        : undefined
    const receiver = events && new Events(this, 'Events', { ...deployment, events, dispatch, categories, table })
    const agents = settings.mcp ? new Agents(this, 'Agents', { ...deployment, categories }) : undefined
    const api = new Api(this, 'Api', { settings, categories, receiver, agents: agents?.fn, dataKey })
    if (policy?.asksPeople)
      new Approvals(this, 'ApprovalsOfActions', { categories, finisher: finisher.durable, table, origin: api.origin })
    const { verify } = settings
    const schedule =
      verify && new ScheduledVerify(this, 'ScheduledVerify', { ...deployment, verify, origin: api.origin })
    const isGradual = settings.rollout === 'gradual'
    const alarms = new Alarms(this, 'Alarms', {
      categories,
      finisher,
      apiFailures: api.api.deploymentStage.metricServerError(),
      throttledCalls: api.throttledCalls,
      verifyPasses: schedule?.passes,
      stackName: settings.stackName,
      approvalAlarm: settings.approvalAlarm,
      email: settings.alarmEmail,
      dataKey,
      runbooks: settings.runbooks ?? 'docs/runbooks/',
      isMinimal: settings.observability === 'minimal',
      isGradual,
      hasTurns: policy?.hasTurns ?? false,
      alerts: dispatch && {
        functions: [receiver?.fn, dispatch.fn].filter((fn) => fn !== undefined),
        deadLetters: dispatch.deadLetters,
      },
    })
    if (isGradual) new Rollout(this, 'Rollout', { ...deployment, categories, alarms })
    const logGroups = logGroupsOf(this)
    if (settings.observability === 'standard')
      new Dashboard(this, 'Overview', {
        api: api.api,
        categories,
        finisher,
        receiver,
        dispatch,
        alarms,
        logGroups,
        namespace: settings.stackName,
      })
    new SavedQueries(this, 'Queries', { stackName: settings.stackName, logGroups })
    this.#addOutputs(settings, api, categories, alarms)
  }

  #addKeys(settings: Settings, categories: CategoryFunction[]): void {
    if (categories.some(({ category }) => hasNeed(category, 'approvals')))
      new GeneratedKey(this, 'Approvals', {
        settings,
        name: 'approvals',
        description: 'Signs links and buttons of approvals',
        noRotationReason:
          'Sent links must stay valid for days. Rotate the key by hand and keep the old key in addition to the new one.',
      })
    new GeneratedKey(this, 'Identity', {
      settings,
      name: 'identity',
      description: 'Computes the ids of calls',
      noRotationReason:
        'After a rotation, a repeated call counts as new. Rotate the key by hand when no call is running.',
    })
    new GeneratedKey(this, 'Callbacks', {
      settings,
      name: 'callbacks',
      description: 'Seals the reply addresses of calls',
      noRotationReason:
        'Running tasks must still open their addresses. Rotate the key by hand and keep the old key in addition to the new one.',
    })
  }

  /** `cdk deploy` prints the outputs. */
  #addOutputs({ secretPrefix }: Settings, api: Api, categories: CategoryFunction[], alarms: Alarms): void {
    new CfnOutput(this, 'ApiUrl', { value: `${api.origin}/v1` })
    for (const { node, category } of categories)
      new CfnOutput(this, `${node.id}Url`, { value: api.urlOf(category.name), description: category.summary })
    if (api.domain)
      new CfnOutput(this, 'DomainTarget', { value: api.domain.target, description: api.domain.instruction })
    new CfnOutput(this, 'AlarmTopic', { value: alarms.topic.topicArn, description: 'Subscribe here to receive alarms' })
    const [first] = categories
    if (!first) throw new Error('A deployment needs at least one category. Enable one in the settings.')
    new CfnOutput(this, 'NextSteps', {
      value: nextSteps({ origin: api.origin, region: Aws.REGION, secretPrefix, category: first.category }),
    })
  }
}
