import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import { NOTIFICATION } from '../../shared/core/call.ts'
import { approvalIn } from '../../shared/policy/kinds/index.ts'
import type { Policy as CallPolicy } from '../../shared/policy/policy.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { type BundleFunction, EXECUTIONS_WILDCARD_REASON } from './bundle-function.ts'
import type { CategoryFunction } from './category-function.ts'
import type { DurableFunction } from './durable-function.ts'
import { acknowledgeWildcards } from './permission.ts'
import { SettingsError } from './settings.ts'
import type { StateTable } from './state-table.ts'

export interface ApprovalsProps {
  categories: CategoryFunction[]
  finisher: DurableFunction
  table: StateTable
  /** URL of the API, without a path. */
  origin: string
}

/**
 * Lets tasks ask people before their action starts: they start tasks of `notification`, and both wake each other. The permissions are
 * policies of their own, because functions that name each other in the policies of their roles cannot be deployed.
 */
export class Approvals extends Construct {
  /** @throws SettingsError if `notification` is not deployed */
  constructor(scope: Construct, id: string, { categories, finisher, table, origin }: ApprovalsProps) {
    super(scope, id)
    const asking = categories.find(({ category }) => category.name === NOTIFICATION)
    if (!asking)
      throw new SettingsError(
        `The policy requires approvals, which ${NOTIFICATION} asks for. Enable ${NOTIFICATION} in the setting categories, or remove approve and approval from the policy.`,
      )
    const wakesAny = wake(categories.map(({ task }) => task))
    const endsApprovals = table.allow(['GetItem', 'PutItem', 'UpdateItem'], [itemKeys.approval('*')])
    const readsWaiters = table.allow(
      ['GetItem'],
      categories.map(({ category }) => itemKeys.waiter(category.name, '*')),
    )
    for (const { category, task, node } of categories) {
      const isAsking = category.name === NOTIFICATION
      // A function cannot contain its own ARN.
      task.fn.addEnvironment('WEBHOOKS_ASKING_FUNCTION', isAsking ? 'self' : asking.task.live.functionArn)
      const asks = { actions: ['lambda:InvokeFunction'], resources: [asking.task.live.functionArn] }
      this.#grant(`${node.id}Task`, task, [asks, wake([asking.task]), ...endsApprovals])
    }
    for (const { fn } of [asking.task, asking.webhook]) fn.addEnvironment('WEBHOOKS_URL', origin)
    this.#grant('Asking', asking.task, [wakesAny, ...readsWaiters])
    this.#grant('Decisions', asking.webhook, [wakesAny, ...readsWaiters])
    this.#grant('Finisher', finisher, [wakesAny, ...readsWaiters, ...endsApprovals])
  }

  #grant(id: string, { role }: BundleFunction, permissions: Permission[]): void {
    const statements = permissions.map(({ wildcardReason: _, ...statement }) => new PolicyStatement(statement))
    const policy = new ManagedPolicy(this, id, { roles: [role], statements })
    for (const { resources, wildcardReason } of permissions)
      if (wildcardReason !== undefined) acknowledgeWildcards(policy, resources, wildcardReason)
  }
}

function wake(tasks: DurableFunction[]): Permission {
  return {
    actions: ['lambda:SendDurableExecutionCallbackSuccess'],
    resources: tasks.map(({ fn }) => `${fn.functionArn}:*`),
    wildcardReason: EXECUTIONS_WILDCARD_REASON,
  }
}

/** Whether a policy may ask people. */
export function asksPeople({ rules, approval }: CallPolicy): boolean {
  return approval !== undefined || rules.some(({ effect }) => approvalIn(effect) !== undefined)
}
