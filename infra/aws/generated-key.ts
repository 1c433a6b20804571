import { Key } from 'aws-cdk-lib/aws-kms'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

export interface GeneratedKeyProps {
  settings: Settings
  /** Below the prefix, such as `approvals`. */
  name: string
  description: string
  /** Why Secrets Manager does not rotate the key. */
  noRotationReason: string
}

/** A random key in the secret `<prefix>/<name>`, created and deleted with the stack. */
export class GeneratedKey extends Construct {
  constructor(scope: Construct, id: string, { settings, name, description, noRotationReason }: GeneratedKeyProps) {
    super(scope, id)
    const { secretPrefix, secretsKeyArn } = settings
    const secret = new Secret(this, 'Secret', {
      secretName: `${secretPrefix}/${name}`,
      description,
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'key',
        passwordLength: 64,
        excludePunctuation: true,
      },
      ...(secretsKeyArn === undefined ? {} : { encryptionKey: Key.fromKeyArn(this, 'Key', secretsKeyArn) }),
      removalPolicy: RemovalPolicy.DESTROY,
    })
    Validations.of(secret).acknowledge({ id: 'AwsSolutions-SMG4', reason: noRotationReason })
  }
}
