// The entry point of the constructs. It names the missing package if aws-cdk-lib is not installed.
import { needing } from '../../project/missing-package.ts'

export const { CategoryFunction, StateTable, WebhooksStack } = await needing(
  'aws-cdk-lib',
  import('../../aws/index.ts'),
)
