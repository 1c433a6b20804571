import { stringify } from 'yaml'
import { Failure } from '../../../../shared/errors.ts'
import { type CodeText, type DraftCall, withoutEvent } from './draft-call.ts'

/** The options that the composite action sets itself, and those of a gate. */
const OMITTED = ['mode', 'key', 'sendStarted', 'answer', 'hold', 'invert']

/** The job identifies itself with a token of GitHub, so there is no secret. */
const PERMISSION = `# The job needs "permissions: { id-token: write }", and a caller that trusts it: see docs/oidc.md
`

/**
 * Returns a step for a workflow of GitHub Actions that makes the call with the composite action, and waits for its result.
 *
 * @throws Failure `invalid` for a dry run
 */
export function githubStep({ action: { category, name }, options, body }: DraftCall): CodeText {
  const { input = {}, ...fields } = withoutEvent(body)
  if (options.dryRun === 'true')
    throw new Failure('invalid', 'The step waits for a result, which a dry run does not have. Remove dryRun.')
  const query = new URLSearchParams()
  for (const [option, value] of Object.entries(options))
    if (value && !OMITTED.includes(option)) query.set(option, value)
  for (const [field, value] of leavesOf(fields)) query.append(field, value)
  const step = {
    uses: '<owner>/cloud-automation-webhooks/.github/actions/webhook@main',
    with: {
      url: `\${{ vars.WEBHOOKS_URL }}`,
      action: `${category.name}/${name}`,
      ...(query.size === 0 ? {} : { query: String(query) }),
      // GitHub would evaluate an expression in a value.
      input: JSON.stringify(input).replace(/\$(?=\{\{)/g, '\\u0024'),
    },
  }
  return { text: `${PERMISSION}${stringify([step], { lineWidth: 0 })}` }
}

/** Returns the values inside an object with their dotted names. */
function leavesOf(fields: object, prefix = ''): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (typeof value === 'object' && value !== null) return leavesOf(value, `${prefix}${name}.`)
    return value === null || value === undefined ? [] : [[`${prefix}${name}`, String(value)]]
  })
}
