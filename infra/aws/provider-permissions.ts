import { Aws } from 'aws-cdk-lib/core'
import type { Permission } from '../../shared/aws/permissions.ts'
import { awsPermissions, orchestratorPermissions } from './aws-permissions.ts'

/** The setting `awsProviders`: ARNs by name, and the roles in other accounts that all providers may assume. */
export type AwsProviders = { readonly [name: string]: string[] | undefined } & {
  assumeRoles?: string[] | undefined
}

/** Returns the permissions of some providers for the ARNs in cdk.json; none for a provider that cdk.json does not list. */
export function permissionsOf(providers: readonly string[], configured: AwsProviders = {}): Permission[] {
  const names = providers.filter((name) => Object.hasOwn(awsPermissions, name))
  const { assumeRoles: roles = [] } = configured
  if (names.length === 0 || roles.length === 0) return allowed(names, configured)
  return [...allowed(names, configured), { actions: ['sts:AssumeRole'], resources: roles }]
}

/** Returns the permissions to send answers to the orchestrators that cdk.json lists. */
export function answerPermissions(configured: AwsProviders = {}): Permission[] {
  return allowed(Object.keys(orchestratorPermissions), configured)
}

function allowed(names: readonly string[], configured: AwsProviders): Permission[] {
  return names.flatMap((name) => {
    const arns = configured[name]
    const { arns: kinds = {}, statements } = awsPermissions[name] ?? {}
    return (arns && statements?.((kind) => arns.filter((arn) => kinds[kind]?.pattern.test(arn)), Aws.ACCOUNT_ID)) ?? []
  })
}
