import { Key } from 'aws-cdk-lib/aws-kms'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

export interface GeneratedKeyProps {
  settings: Settings
  /** Below the prefix: `approvals`. */
  name: string
  description: string
  /** Why Secrets Manager does not rotate it. */
  whyNotRotated: string
}

/** A random key in the secret `<prefix>/<name>`. It is created with the stack and deleted with it: nobody has to know it. */
export class GeneratedKey extends Construct {
  constructor(scope: Construct, id: string, { settings, name, description, whyNotRotated }: GeneratedKeyProps) {
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
    Validations.of(secret).acknowledge({ id: 'AwsSolutions-SMG4', reason: whyNotRotated })
  }
}
