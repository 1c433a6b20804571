import { App } from 'aws-cdk-lib'
import { WebhooksStack } from 'cloud-automation-webhooks/cdk'
import { categories } from '../functions/index.ts'

const app = new App()
new WebhooksStack(app, 'Webhooks', { categories })
