/**
 * The constructs for the CDK app of an application.
 *
 * @packageDocumentation
 */

import { Stack, type StackProps } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { unknownName } from '../../shared/validate.ts'
import { dist } from '../build/files.ts'
import { categories } from '../project/categories.ts'
import { CategoryFunction as BaseFunction } from './category-function.ts'
import { describeCategory } from './category-info.ts'
import { readSettings, SETTING_NAMES, type Settings, SettingsError, type SettingsInput } from './settings.ts'
import { WebhooksStack as BaseStack } from './stack.ts'
import { StateTable } from './state-table.ts'

export { SettingsError, type SettingsInput, StateTable }

const CATEGORIES = await Promise.all(categories.map(describeCategory))
const NAMES = categories.map(({ name }) => name)

/** The settings of docs/deploy.md as properties, and those of a CDK stack. Each has a default. */
export interface WebhooksStackProps extends Omit<StackProps, 'stackName' | 'terminationProtection'>, SettingsInput {
  /** Folder of the bundles. Defaults to `dist/`, where `webhooks build` writes them. */
  bundles?: string
}

/**
 * A complete deployment of the categories in `functions/index.ts`: the API, two functions for each category, shared
 * resources, alarms and a dashboard.
 *
 * @example
 * const app = new App()
 * new WebhooksStack(app, 'MyWebhooks', { alarmEmail: 'team@example.com', categories: { 'chaos-testing': false } })
 */
export class WebhooksStack extends BaseStack {
  /**
   * @param id also the default of `stackName`
   * @throws SettingsError that lists all invalid properties
   */
  constructor(scope: Construct, id: string, { bundles = dist, ...props }: WebhooksStackProps = {}) {
    const isSetting = ([name]: [string, unknown]) => SETTING_NAMES.includes(name)
    const entries = Object.entries(props)
    const settings = settingsOf(id, { stackName: id, ...Object.fromEntries(entries.filter(isSetting)) })
    super(scope, id, {
      ...Object.fromEntries(entries.filter((entry) => !isSetting(entry))),
      stackName: settings.stackName,
      settings,
      categories: CATEGORIES,
      bundles,
    })
  }
}

/** The settings of docs/deploy.md as properties, and the category. */
export interface CategoryFunctionProps extends SettingsInput {
  /** The name of a category in `functions/index.ts`, such as `issue-ticketing`. */
  category: string
  /** Defaults to a table of its own. Functions that share a table accept each call once. */
  table?: StateTable
  /** Folder of the bundles. Defaults to `dist/`, where `webhooks build` writes them. */
  bundles?: string
}

/**
 * The webhook and the task of one category, for a stack of your own. It has no API and no finisher: call the webhook
 * directly, and read the results of tasks that Lambda ended from the state of the task.
 *
 * @example
 * const tickets = new CategoryFunction(this, 'Tickets', { category: 'issue-ticketing' })
 * tickets.webhook.live.grantInvoke(role)
 */
export class CategoryFunction extends BaseFunction {
  /** @throws SettingsError for an unknown category or invalid properties */
  constructor(scope: Construct, id: string, props: CategoryFunctionProps) {
    const { category: name, table = new StateTable(scope, `${id}State`), bundles = dist, ...settings } = props
    const category = CATEGORIES.find((known) => known.name === name)
    if (!category) throw new SettingsError(unknownName('category', name, NAMES))
    const { stackName } = Stack.of(scope)
    super(scope, id, { category, table, bundles, settings: settingsOf(id, { stackName, ...settings }) })
  }
}

function settingsOf(id: string, settings: SettingsInput): Settings {
  return readSettings(settings, NAMES, `properties of ${id}`)
}
