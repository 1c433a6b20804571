import { Command } from 'commander'
import { keptn, keptnConnection } from '../../../shared/orchestrators/keptn/keptn.ts'
import { redactDeep } from '../../../shared/redact.ts'
import { attempt } from '../connection-test.ts'
import { nameOf } from '../names.ts'
import { checked, type GatherOptions, gather, gatherOptions, given } from '../prompt-fields.ts'
import { askChoice, isInteractive } from '../prompts.ts'
import { keep, presentOf } from '../save-secret.ts'
import { openStore, type StoreOptions, storeHelp, storeOptions } from '../secret-store.ts'
import { weakSecrets } from '../weak-secrets.ts'

interface Options extends GatherOptions, StoreOptions {
  dryRun?: boolean
  check: boolean
  json?: boolean
}

/** `webhooks orchestrator`: where the answers of interactive calls go. */
export function orchestratorCommand(): Command {
  return new Command('orchestrator')
    .description('store where the answers of interactive calls go: a Cloud Automation or Keptn environment')
    .addCommand(addCommand())
}

function addCommand(): Command {
  const command = new Command('add')
    .description('ask for its fields, try them, and write the secret; what is there is replaced')
    .argument('<name>', 'as callers name it: webhooks token create <caller> --orchestrator <name>')
  return gatherOptions(storeOptions(command))
    .option('--kms-key <id>', 'the KMS key of a new secret, where it is not aws/secretsmanager')
    .addHelpText(
      'after',
      `${storeHelp}
It is tried with a look at its events: does it answer, is the token accepted, may it read events. Whether it may send them
shows with the first one. Without a terminal nothing is asked: give --from-file, with {"baseUrl": "https://..", "token": ".."}.

Exit code: 0 stored (or shown, with --dry-run), 1 it was tried in vain or could not be stored, 2 arguments or fields,
130 Ctrl-C.

Examples:
  $ npm run webhooks -- orchestrator add keptn
  $ npm run webhooks -- orchestrator add keptn --from-file keptn.json --dry-run`,
    )
    .action(run)
}

async function run(name: string, options: Options): Promise<void> {
  const path = `orchestrators/${nameOf(name)}`
  const known = await given(options)
  const store = await openStore(options)
  let present = await presentOf(store, path, options)
  await keep(store, path, options, async () => {
    const first = await credentialsOf(known, present, options)
    const asked = await gather(
      keptnConnection,
      { type: 'keptn', ...known },
      { ...options, present, ...(first ? { first: [first], never: [first === 'token' ? 'oauth' : 'token'] } : {}) },
    )
    present = asked
    const connection = checked(keptnConnection, asked, 'The orchestrator')
    const weak = weakSecrets(keptnConnection, connection)
    return { value: asked, shown: redactDeep(asked), weak, attempt: () => attempt(() => keptn(connection).check()) }
  })
}

/** One of the two has to be given, which the schema can not say of either. */
async function credentialsOf(
  known: Record<string, unknown>,
  present: Record<string, unknown>,
  { fromFile }: Options,
): Promise<string | undefined> {
  if (fromFile !== undefined || known['token'] !== undefined || !isInteractive()) return undefined
  return askChoice(
    'How does it know us?',
    [
      { value: 'token', label: 'by an API token' },
      { value: 'oauth', label: 'by an OAuth client', hint: 'Dynatrace SaaS' },
    ],
    present['oauth'] === undefined ? 'token' : 'oauth',
  )
}
