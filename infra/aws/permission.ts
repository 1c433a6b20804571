import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { Stack, Validations } from 'aws-cdk-lib/core'
import type { IConstruct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'

/** CDK moves statements to policies of their own when those of a role become too long, and IAM allows 6,144 characters in such a policy. */
const MAX_RESOURCES = 20

/** Adds a permission to a role, and the reason for its wildcards to the cdk-nag report. */
export function grant(role: Role, { wildcardReason, ...statement }: Permission): void {
  for (let start = 0; start < statement.resources.length; start += MAX_RESOURCES) {
    const resources = statement.resources.slice(start, start + MAX_RESOURCES)
    role.addToPolicy(new PolicyStatement({ ...statement, resources }))
  }
  if (wildcardReason !== undefined) acknowledgeWildcards(role, statement.resources, wildcardReason)
}

/** Acknowledges each resource with a wildcard; cdk-nag reports them one by one. */
export function acknowledgeWildcards(scope: IConstruct, resources: string[], reason: string): void {
  for (const resource of resources.filter((name) => name.includes('*')))
    Validations.of(scope).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${format(Stack.of(scope).resolve(resource))}]`,
      reason,
    })
}

type Resolved = string | { Ref: string } | { 'Fn::GetAtt': string[] } | { 'Fn::Join': [string, Resolved[]] }

/** Formats a resource as cdk-nag does: unresolved values in angle brackets. */
function format(resolved: Resolved): string {
  if (typeof resolved === 'string') return resolved
  if ('Ref' in resolved) return `<${resolved.Ref}>`
  if ('Fn::GetAtt' in resolved) return `<${resolved['Fn::GetAtt'].join('.')}>`
  const [separator, parts] = resolved['Fn::Join']
  return parts.map(format).join(separator)
}
