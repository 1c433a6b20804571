import { Key } from 'aws-cdk-lib/aws-kms'
import { Aws, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { hasNeed } from '../../shared/providers/action.ts'
import { Alarms } from './alarms.ts'
import { Api } from './api.ts'
import { CategoryFunction, type CategoryInfo } from './category-function.ts'
import { Dashboard } from './dashboard.ts'
import { Finisher } from './finisher.ts'
import { GeneratedKey } from './generated-key.ts'
import { nextSteps } from './next-steps.ts'
import { logGroupsOf, SavedQueries } from './queries.ts'
import type { Settings } from './settings.ts'
import { StateTable } from './state-table.ts'

export interface WebhooksStackProps extends StackProps {
  settings: Settings
  /** Those that there are; the settings say which are deployed. */
  categories: readonly CategoryInfo[]
  /** Where the bundles are: `dist/`. */
  bundles: string
}

/** The whole deployment: the API, two functions a category, what they share, and what watches over them. */
export class WebhooksStack extends Stack {
  constructor(scope: Construct, id: string, { settings, categories: all, bundles, ...props }: WebhooksStackProps) {
    super(scope, id, {
      description: 'Webhooks of Cloud Automation (Keptn) task sequences',
      terminationProtection: settings.terminationProtection,
      ...props,
    })
    const { dataKeyArn } = settings
    const dataKey = dataKeyArn === undefined ? undefined : Key.fromKeyArn(this, 'DataKey', dataKeyArn)
    const deployment = { settings, bundles, dataKey }
    const table = new StateTable(this, 'Idempotency', dataKey)
    const categories = all
      .filter(({ name }) => settings.categories[name] !== false)
      .map((category) => new CategoryFunction(this, pascalCase(category.name), { ...deployment, category, table }))
    if (categories.some(({ category }) => hasNeed(category, 'approvals')))
      new GeneratedKey(this, 'Approvals', {
        settings,
        name: 'approvals',
        description: 'Signs links and buttons of approvals',
        whyNotRotated:
          'Links that are out must stay good for days: it is rotated by hand, with the old key next to the new one.',
      })
    new GeneratedKey(this, 'Identity', {
      settings,
      name: 'identity',
      description: 'Makes the ids of calls',
      whyNotRotated:
        'After a rotation a repeat counts as a new call: it is rotated by hand, when no call is in flight.',
    })
    const finisher = new Finisher(this, 'Finisher', { ...deployment, table, tasks: categories.map(({ task }) => task) })
    const api = new Api(this, 'Api', { settings, categories, dataKey })
    const alarms = new Alarms(this, 'Alarms', {
      categories,
      finisher,
      apiFailures: api.api.deploymentStage.metricServerError(),
      throttledCalls: api.throttledCalls,
      stackName: settings.stackName,
      email: settings.alarmEmail,
      dataKey,
      runbooks: settings.runbooks ?? 'docs/runbooks/',
    })
    const logGroups = logGroupsOf(categories, finisher)
    new Dashboard(this, 'Overview', { api: api.api, categories, finisher, alarms, logGroups })
    new SavedQueries(this, 'Queries', { stackName: settings.stackName, logGroups })
    this.#tell(settings, api, categories, alarms)
  }

  /** What `cdk deploy` prints. */
  #tell({ secretPrefix }: Settings, api: Api, categories: CategoryFunction[], alarms: Alarms): void {
    new CfnOutput(this, 'ApiUrl', { value: `${api.origin}/v1` })
    for (const { node, category } of categories)
      new CfnOutput(this, `${node.id}Url`, { value: api.urlOf(category.name), description: category.summary })
    if (api.domain) new CfnOutput(this, 'DomainTarget', { value: api.domain.target, description: api.domain.whatToDo })
    new CfnOutput(this, 'AlarmTopic', { value: alarms.topic.topicArn, description: 'Who subscribes hears of alarms' })
    const [first] = categories
    if (!first) throw new Error('A deployment has at least one category; the settings see to that.')
    new CfnOutput(this, 'NextSteps', {
      value: nextSteps({ origin: api.origin, region: Aws.REGION, secretPrefix, category: first.category }),
    })
  }
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
