import * as z from 'zod/mini'
import { id, name, oneOf, optional, secret, text, url, withDescription } from '../../fields.ts'
import { GITHUB_API_URL, repository } from '../../vendors/clients/github.ts'

/** Splits text with commas, as `words` does. */
const list = z.transform((value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value))

const repositories = z.string().check(
  z.refine((value) => repository.pattern.test(value.replace(/\/\*$/, '/any')), {
    message: 'must be owner/repo, or owner/* for all repositories of an owner',
  }),
)

const webhookSecret = (description: string) => secret(description).check(z.minLength(16))

/** The secret of a GitHub App. Its webhook calls, and it answers. */
export const githubSecret = z.strictObject({
  type: z.literal('github'),
  baseUrl: z._default(
    url('URL of the API: https://api.github.com, or https://<host>/api/v3 for GitHub Enterprise Server'),
    GITHUB_API_URL,
  ),
  appId: id('The client id or the id of the GitHub App'),
  privateKey: secret('The private key of the GitHub App: the text of its PEM file. \\n may stand for a line break'),
  webhookSecret: webhookSecret('The secret of its webhook: at least 16 random characters'),
  previousWebhookSecret: optional(webhookSecret('The previous one, which is accepted until it is removed')),
  caller: name('The entry of the secret callers with what its webhook may call'),
  repositories: optional(
    withDescription(
      z.pipe(list, z.array(repositories).check(z.minLength(1), z.maxLength(100))),
      'The repositories that may call: owner/repo or owner/*. Defaults to all in which the App is installed',
    ),
  ),
  report: z._default(
    oneOf(['deployment', 'check'], 'What gets the result: the waiting deployment, or a check run of the commit'),
    'deployment',
  ),
  input: optional(
    text('JMESPath expression that returns the input of the action from the payload of GitHub. Defaults to no input'),
  ),
  onWarning: z._default(oneOf(['approve', 'reject'], 'The effect of a result with warnings'), 'approve'),
  checkName: optional(name('Name of the check run. Defaults to <category>/<action>')),
  ca: optional(text('PEM of a private certificate authority')),
})

export type GitHubSettings = z.output<typeof githubSecret>

/** Whether the repository may call. */
export function isAllowedRepository({ repositories: allowed }: GitHubSettings, fullName: string): boolean {
  const [owner = ''] = fullName.split('/')
  return allowed === undefined || allowed.includes(fullName) || allowed.includes(`${owner}/*`)
}
