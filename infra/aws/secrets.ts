import { ArnFormat, Stack } from 'aws-cdk-lib/core'
import type { IConstruct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import type { Settings } from './settings.ts'

/** The secrets of a deployment in a policy, below the prefix. Secrets Manager adds a dash and six characters to each ARN. */
export const SECRET_PATHS = {
  callers: 'callers-??????',
  approvals: 'approvals-??????',
  identity: 'identity-??????',
  people: 'people-??????',
  callbacks: 'callbacks-??????',
  verify: 'verify-??????',
  orchestrators: 'orchestrators/*',
  orchestrator: (name: string) => `orchestrators/${name}-??????`,
  source: (name: string) => `sources/${name}-??????`,
  connections: (category: string) => `connections/${category}/*`,
}

/**
 * Returns the orchestrators whose secrets a category may read.
 *
 * @param category undefined for the finisher, which answers for all categories
 */
export function orchestratorPaths({ orchestrators }: Settings, category?: string): string[] {
  if (orchestrators === undefined) return [SECRET_PATHS.orchestrators]
  const isServed = (categories: string[]) =>
    category === undefined || categories.includes(category) || categories.includes('*')
  return Object.keys(orchestrators)
    .filter((name) => isServed(orchestrators[name] ?? []))
    .map(SECRET_PATHS.orchestrator)
}

/** Returns the permissions to read secrets, and to decrypt them if they have a customer-managed key. */
export function readSecrets(scope: IConstruct, settings: Settings, paths: string[]): Permission[] {
  const { secretPrefix, secretsKeyArn } = settings
  const stack = Stack.of(scope)
  const read: Permission = {
    actions: ['secretsmanager:GetSecretValue'],
    resources: paths.map((path) =>
      stack.formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        resourceName: `${secretPrefix}/${path}`,
      }),
    ),
    wildcardReason:
      'Users create the secrets after the deployment and choose their names; the wildcard covers only the path that the function reads.',
  }
  if (secretsKeyArn === undefined) return [read]
  const decrypt: Permission = {
    actions: ['kms:Decrypt'],
    resources: [secretsKeyArn],
    conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${stack.region}.${stack.urlSuffix}` } },
  }
  return [read, decrypt]
}

/** For the list of connections in an error message. */
export const listSecrets: Permission = {
  actions: ['secretsmanager:ListSecrets'],
  resources: ['*'],
  wildcardReason: 'ListSecrets supports no resource-level permissions. It returns names, never values.',
}
