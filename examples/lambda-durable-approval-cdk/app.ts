import { App } from 'aws-cdk-lib/core'
import { WebhooksStack } from 'cloud-automation-webhooks/cdk'

new WebhooksStack(new App(), 'DurableApproval', { policy: 'policy.yaml', observability: 'minimal' })
