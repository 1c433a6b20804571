import { Key } from 'aws-cdk-lib/aws-kms'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from './settings.ts'

/**
 * The key that signs links and buttons of approvals, in the secret `<prefix>/approvals`. It is made with the stack: nobody
 * has to know it. It is rotated by hand: the old one becomes `previousKey`, so that links that are out stay good.
 */
export class ApprovalsKey extends Construct {
  constructor(scope: Construct, id: string, { secretPrefix, secretsKeyArn }: Settings) {
    super(scope, id)
    const secret = new Secret(this, 'Secret', {
      secretName: `${secretPrefix}/approvals`,
      description: 'Signs links and buttons of approvals',
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'key',
        passwordLength: 64,
        excludePunctuation: true,
      },
      ...(secretsKeyArn === undefined ? {} : { encryptionKey: Key.fromKeyArn(this, 'Key', secretsKeyArn) }),
      removalPolicy: RemovalPolicy.DESTROY,
    })
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Links that are out must stay good for days: it is rotated by hand, with the old key beside the new one.',
    })
  }
}
