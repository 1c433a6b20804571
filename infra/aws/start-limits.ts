import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { itemKeys } from '../../shared/state/item-keys.ts'
import type { CategoryFunction } from './category-function.ts'
import type { StateTable } from './state-table.ts'

/** Lets webhooks and tasks count the starts of actions, which rules with `atMost` limit. */
export class StartLimits extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { categories, table }: { categories: readonly CategoryFunction[]; table: StateTable },
  ) {
    super(scope, id)
    const statements = table
      .allow(['GetItem', 'PutItem'], [itemKeys.starts('*')])
      .map((permission) => new PolicyStatement(permission))
    new ManagedPolicy(this, 'Policy', {
      roles: categories.flatMap(({ webhook, task }) => [webhook.role, task.role]),
      statements,
    })
  }
}
