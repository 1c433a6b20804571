import { App } from 'aws-cdk-lib/core'
import { WebhooksStack } from 'cloud-automation-webhooks/cdk'

// The categories of functions/index.ts, with an API, alarms and a dashboard. All settings have defaults.
new WebhooksStack(new App(), 'CloudAutomationWebhooks', { logRetentionDays: 90 })
