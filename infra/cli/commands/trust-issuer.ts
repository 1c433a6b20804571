import { Command } from 'commander'
import { checkName, findCategory } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { readStoredCallers, writeCallers } from '../secrets/callers.ts'
import { openStore, STORE_HELP, type StoreOptions, storeOptions } from '../secrets/secret-store.ts'
import { type JsonOption, note, show } from '../terminal/output.ts'

interface Options extends StoreOptions, JsonOption {
  issuer: string
  audience: string
  claim: string[]
  categories: string
}

/** `webhooks token trust`: lets a caller send the tokens of an OpenID provider. */
export function trustIssuerCommand(): Command {
  return storeOptions(new Command('trust'))
    .description(
      'let a caller send tokens of an OpenID provider, such as GitHub Actions; creates the caller if it does not exist',
    )
    .argument('<caller>', 'name of the caller, such as deploy')
    .requiredOption('--issuer <url>', 'the claim iss of the tokens')
    .requiredOption('--audience <audience>', 'the claim aud of the tokens, such as the URL of your API')
    .requiredOption(
      '--claim <name=value...>',
      'a claim that the tokens must have; * stands for any characters (repeatable)',
    )
    .option('--categories <names>', 'comma-separated categories that a new caller may call; * for all', '*')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `${STORE_HELP}
The tokens of an existing caller stay valid until you revoke them. No token is created.

Exit code: 0 saved, 1 save failed, 2 invalid arguments.

Example:
  $ npx webhooks token trust deploy --categories ci-cd --issuer https://token.actions.githubusercontent.com --audience https://webhooks.example.com --claim repository=acme/shop --claim ref=refs/heads/main`,
    )
    .action(trust)
}

async function trust(name: string, { issuer, audience, claim, categories, ...options }: Options): Promise<void> {
  const allowed = categories.split(',').map((category) => category.trim())
  for (const category of allowed) if (category !== '*') findCategory(category)
  const store = await openStore(options)
  const callers = await readStoredCallers(store)
  const known = Object.hasOwn(callers, checkName(name)) ? callers[name] : undefined
  // The keys of a private issuer are entered by hand.
  const keys = known?.oidc?.issuer === issuer ? known.oidc : {}
  const oidc = { ...keys, issuer, audience, claims: Object.fromEntries(claim.map(readClaim)) }
  const caller = { tokens: [], categories: allowed, ...known, oidc }
  await writeCallers(store, { ...callers, [name]: caller })
  show({ caller: name, ...caller }, `${name} in ${store.place} accepts tokens of ${issuer}.`, options)
  note(`Run npx webhooks doctor${store.option} to check the issuer. The functions cache secrets for five minutes.`)
}

function readClaim(text: string): [name: string, value: string] {
  const [name = '', ...value] = text.split('=')
  if (name === '' || value.length === 0)
    throw new UsageError(`--claim must be a name and a value, such as repository=acme/shop: ${text}`)
  return [name, value.join('=')]
}
