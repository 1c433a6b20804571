import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { EXECUTIONS_WILDCARD_REASON } from './bundle-function.ts'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'
import { acknowledgeWildcards } from './permission.ts'
import type { StateTable } from './state-table.ts'

export interface TurnsProps {
  categories: readonly CategoryFunction[]
  finisher: Finisher
  table: StateTable
}

/**
 * Lets tasks take turns, and wake the next task, which may be of another category. A separate policy: the roles of two functions cannot
 * depend on each other.
 */
export class Turns extends Construct {
  constructor(scope: Construct, id: string, { categories, finisher, table }: TurnsProps) {
    super(scope, id)
    const executions = categories.map(({ task }) => `${task.fn.functionArn}:*`)
    const permissions = [
      ...table.allow(['GetItem', 'PutItem', 'UpdateItem'], [itemKeys.turn('*')]),
      ...table.allow(['GetItem'], [itemKeys.waiter('*', '*')]),
      { actions: ['lambda:SendDurableExecutionCallbackSuccess'], resources: executions },
    ]
    const policy = new ManagedPolicy(this, 'Policy', {
      roles: [...categories.map(({ task }) => task.role), finisher.durable.role],
      statements: permissions.map((permission) => new PolicyStatement(permission)),
    })
    acknowledgeWildcards(policy, executions, EXECUTIONS_WILDCARD_REASON)
  }
}
