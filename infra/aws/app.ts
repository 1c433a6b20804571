import { App } from 'aws-cdk-lib/core'
import { categories } from '../../functions/index.ts'
import { dist } from '../build/main.ts'
import { readSettings, SettingsError } from './settings.ts'
import { WebhooksStack } from './stack.ts'

// What `cdk` runs, by cdk.json. No account and no network are needed: the stack goes where the CLI's credentials point.
try {
  const app = new App()
  const settings = readSettings(
    app.node.tryGetContext('webhooks'),
    categories.map(({ name }) => name),
  )
  new WebhooksStack(app, settings.stackName, { settings, categories, bundles: dist })
  app.synth()
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
