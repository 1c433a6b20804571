import { Alias } from 'aws-cdk-lib/aws-lambda'
import type { EVENTS_ALIAS, FORWARDED_ALIAS } from '../../shared/core/webhook/forwarded.ts'
import type { CategoryFunction } from './category-function.ts'
import { pascalCase } from './pascal-case.ts'

/**
 * Creates an alias of a webhook for another function. The webhook knows the alias by which it is invoked, and limits what that function
 * may do.
 */
export function webhookAlias(
  { webhook }: CategoryFunction,
  aliasName: typeof FORWARDED_ALIAS | typeof EVENTS_ALIAS,
): Alias {
  const { fn, live } = webhook
  const alias = new Alias(webhook, pascalCase(aliasName), { aliasName, version: fn.currentVersion })
  // With a gradual rollout, a version that did not pass must not receive their calls.
  alias.node.addDependency(live)
  return alias
}
