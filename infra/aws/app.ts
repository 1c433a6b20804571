import { App } from 'aws-cdk-lib/core'
import { dist } from '../build/files.ts'
import { categories } from '../project/categories.ts'
import { describeCategory } from './category-info.ts'
import { readSettings, SettingsError } from './settings.ts'
import { WebhooksStack } from './stack.ts'

// cdk.json names this file. It needs no account and no network: the stack goes to the account of the CLI's credentials.
try {
  const app = new App()
  const settings = readSettings(
    app.node.tryGetContext('webhooks'),
    categories.map(({ name }) => name),
  )
  new WebhooksStack(app, settings.stackName, {
    settings,
    categories: await Promise.all(categories.map(describeCategory)),
    bundles: dist,
  })
  app.synth()
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
