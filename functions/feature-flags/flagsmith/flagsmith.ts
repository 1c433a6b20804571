import * as z from 'zod/mini'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { name, optional, secret, url } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineFlagProvider } from '../../../shared/providers/flag.ts'

const environment = z.object({
  id: z.int(),
  project: z.int(),
  /** Approvals that a change request needs, which can be 0; null if change requests are off. */
  minimum_change_request_approvals: z.nullish(z.int()),
  use_v2_feature_versioning: z.optional(z.boolean()),
})
const featureState = z.object({
  id: z.int(),
  feature: z.int(),
  enabled: z.boolean(),
  feature_segment: z.nullish(z.unknown()),
})
type FeatureState = z.output<typeof featureState>
const featureStates = z.object({ results: z.array(featureState) })
const version = z.object({ uuid: z.string() })

const CLOUD_API = 'https://api.flagsmith.com'

/**
 * Flagsmith. Sends the same requests as its dashboard. In an environment with feature versioning, creates and publishes a
 * version instead of changing the flag in place.
 *
 * @see https://docs.flagsmith.com/integrating-with-flagsmith/flagsmith-api-overview/admin-api
 * @see https://docs.flagsmith.com/managing-flags/feature-versioning
 */
export const flagsmith = defineFlagProvider({
  title: 'Flagsmith',
  connection: z.strictObject({
    baseUrl: z._default(url(`${CLOUD_API}, or the URL of a self-hosted server`), CLOUD_API),
    token: secret('API key of the organisation, or the token of a user with the prefix "Token "'),
    environment: optional(name('Client-side key of the default environment')),
  }),
  headers: ({ token }) => ({ authorization: /^(Api-Key|Token) /.test(token) ? token : `Api-Key ${token}` }),
  check: ({ http, connection }) =>
    http.get(connection.environment ? environmentPath(connection.environment) : 'api/v1/projects/'),
  // The key of an environment is unique across projects.
  project: undefined,

  checkChange({ flag, percentage }) {
    if (percentage === undefined) return
    const reason = 'Flagsmith rolls out by segments and variants'
    throw invalidInput('input.percentage', `is not supported for ${flag}: ${reason}. Set only its state`)
  },

  async get({ http }, location, flag) {
    const { project } = await readEnvironment(http, location.environment)
    const { enabled, feature } = await readState(http, location.environment, flag)
    const app = http.baseUrl === CLOUD_API ? 'https://app.flagsmith.com' : http.baseUrl
    const where = `project/${project}/environment/${segment(location.environment)}`
    return { on: enabled, url: `${app}/${where}/features?feature=${feature}` }
  },

  async set({ http }, { environment: key }, changes, comment) {
    // Without setsTogether, each call has one change.
    const [change] = changes
    if (!change) return undefined
    const {
      id,
      minimum_change_request_approvals: approvals,
      use_v2_feature_versioning,
    } = await readEnvironment(http, key)
    // The API accepts a direct change even if change requests are on, which would bypass the review.
    if (approvals != null) {
      throw refused(
        `This environment requires change requests (with ${approvals} approvals). Change ${change.flag} in Flagsmith.`,
      )
    }
    const state = await readState(http, key, change.flag)
    const body = { enabled: change.on }
    if (use_v2_feature_versioning) await publish(http, id, state, body, comment)
    else await http.patch(`${environmentPath(key)}featurestates/${state.id}/`, body)
    return undefined
  },
})

function environmentPath(key: string): string {
  return `api/v1/environments/${segment(key)}/`
}

async function readEnvironment(http: Http, key: string) {
  return (await http.get(environmentPath(key), { schema: environment })).body
}

/** Reads the state of the flag for users without an override for their identity or segment. */
async function readState(http: Http, key: string, flag: string): Promise<FeatureState> {
  const query = { feature_name: flag }
  const { results } = (await http.get(`${environmentPath(key)}featurestates/`, { query, schema: featureStates })).body
  const [found] = results
  if (!found) throw refused(`Flagsmith has no feature "${flag}" in the project of this environment.`)
  return found
}

/** Creates a version with the change and publishes it. A draft that remains after a failed attempt has no effect. */
async function publish(
  http: Http,
  environment: number,
  { feature }: FeatureState,
  body: object,
  comment: string | undefined,
): Promise<void> {
  const versions = `api/v1/environments/${environment}/features/${feature}/versions/`
  const content = comment ? { description: comment } : {}
  const draft = `${versions}${segment((await http.post(versions, content, { schema: version })).body.uuid)}/`
  const states = (await http.get(`${draft}featurestates/`, { schema: z.array(featureState) })).body
  const state = states.find(({ feature_segment }) => feature_segment === null || feature_segment === undefined)
  if (!state) throw retryLater('Flagsmith created a version of the feature without a default state.')
  await http.patch(`${draft}featurestates/${state.id}/`, body)
  await http.post(`${draft}publish/`, {})
}
