import { ArnFormat, Stack } from 'aws-cdk-lib/core'
import type { IConstruct } from 'constructs'
import type { Permission } from './permission.ts'
import type { Settings } from './settings.ts'

/** The secrets of this deployment, as resources of a policy. Secrets Manager ends each ARN with a dash and six characters. */
export const secretPaths = {
  callers: 'callers-??????',
  approvals: 'approvals-??????',
  identity: 'identity-??????',
  orchestrators: 'orchestrators/*',
  connections: (category: string) => `connections/${category}/*`,
}

/**
 * What it takes to read secrets.
 *
 * @param paths below the prefix, of `secretPaths`
 */
export function mayReadSecrets(scope: IConstruct, settings: Settings, paths: string[]): Permission[] {
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
    star: 'The secrets are stored after the stack, under names that their owners choose; the star stays within the one path that the function reads.',
  }
  if (secretsKeyArn === undefined) return [read]
  const decrypt: Permission = {
    actions: ['kms:Decrypt'],
    resources: [secretsKeyArn],
    conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${stack.region}.${stack.urlSuffix}` } },
  }
  return [read, decrypt]
}

/** What it takes to name the connections that there are, where a call names another one. */
export const mayListSecrets: Permission = {
  actions: ['secretsmanager:ListSecrets'],
  resources: ['*'],
  star: 'Secrets Manager knows no resources for ListSecrets; it shows names and no values.',
}
