import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam'
import { Stack, Validations } from 'aws-cdk-lib/core'
import type { IConstruct } from 'constructs'

/** Something that a function may do. */
export interface Permission {
  actions: string[]
  resources: string[]
  conditions?: Record<string, Record<string, string | string[]>>
  /** Why there is a star in the resources; asked for where there is one. */
  star?: string
}

/** Lets a role do it, and notes why its stars are there. */
export function allow(role: Role, { star, ...statement }: Permission): void {
  role.addToPolicy(new PolicyStatement(statement))
  if (star !== undefined) acknowledgeStars(role, statement.resources, star)
}

/** Tells cdk-nag's AwsSolutions why a policy has these stars; each resource is a finding of its own there. */
export function acknowledgeStars(scope: IConstruct, resources: string[], reason: string): void {
  for (const resource of resources.filter((name) => name.includes('*')))
    Validations.of(scope).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${flat(Stack.of(scope).resolve(resource))}]`,
      reason,
    })
}

type Resolved = string | { Ref: string } | { 'Fn::GetAtt': string[] } | { 'Fn::Join': [string, Resolved[]] }

/** A resource as cdk-nag writes it: what is only known later stands in angle brackets. */
function flat(resolved: Resolved): string {
  if (typeof resolved === 'string') return resolved
  if ('Ref' in resolved) return `<${resolved.Ref}>`
  if ('Fn::GetAtt' in resolved) return `<${resolved['Fn::GetAtt'].join('.')}>`
  const [separator, parts] = resolved['Fn::Join']
  return parts.map(flat).join(separator)
}
