import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, secret, url } from '../../../shared/fields.ts'
import { type Http, segment } from '../../../shared/http/client.ts'
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

const cloud = 'https://api.flagsmith.com'

/**
 * Flagsmith.
 *
 * It does what its dashboard does. An environment with feature versioning takes no change in place: there a new version is
 * made and published.
 *
 * @see https://docs.flagsmith.com/integrating-with-flagsmith/flagsmith-api-overview/admin-api
 * @see https://docs.flagsmith.com/managing-flags/feature-versioning
 */
export const flagsmith = defineFlagProvider({
  title: 'Flagsmith',
  connection: z.strictObject({
    baseUrl: z._default(url(`The API: ${cloud}, or a server of your own`), cloud),
    token: secret('An API key of the organisation, or with "Token " before it the token of a user'),
    environment: optional(name('Default environment, by its client-side key')),
  }),
  headers: ({ token }) => ({ authorization: /^(Api-Key|Token) /.test(token) ? token : `Api-Key ${token}` }),
  check: ({ http, connection }) =>
    http.get(connection.environment ? environmentPath(connection.environment) : 'api/v1/projects/'),
  // The key of an environment is enough to find it.
  project: undefined,

  checkChange({ flag, percentage }) {
    if (percentage === undefined) return
    const message = `not possible for ${flag}: Flagsmith rolls out by segments and variants; set its state alone`
    throw new Failure('invalid', `input.percentage is ${message}`, { errors: [{ path: 'input.percentage', message }] })
  },

  async get({ http }, place, flag) {
    const { project } = await readEnvironment(http, place.environment)
    const { enabled, feature } = await readState(http, place.environment, flag)
    const app = http.baseUrl === cloud ? 'https://app.flagsmith.com' : http.baseUrl
    const where = `project/${project}/environment/${segment(place.environment)}`
    return { on: enabled, url: `${app}/${where}/features?feature=${feature}` }
  },

  async set({ http }, { environment: key }, changes, comment) {
    // They come one at a time.
    const [change] = changes
    if (!change) return undefined
    const {
      id,
      minimum_change_request_approvals: approvals,
      use_v2_feature_versioning,
    } = await readEnvironment(http, key)
    // The API accepts a direct change even if change requests are on. That would bypass the rule of the environment.
    if (approvals != null) {
      throw new Failure(
        'refused',
        `Change requests (with ${approvals} approvals) are on in this environment: change ${change.flag} in Flagsmith.`,
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

/** Of all identities and segments: what the flag is where nothing overrides it. */
async function readState(http: Http, key: string, flag: string): Promise<FeatureState> {
  const query = { feature_name: flag }
  const { results } = (await http.get(`${environmentPath(key)}featurestates/`, { query, schema: featureStates })).body
  const [found] = results
  if (!found) throw new Failure('refused', `Flagsmith has no feature "${flag}" in this environment's project.`)
  return found
}

/** A draft that never gets published, since a try broke off, changes nothing. */
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
  if (!state) throw new Failure('platform', 'Flagsmith made a version of the feature that has no state of its own.')
  await http.patch(`${draft}featurestates/${state.id}/`, body)
  await http.post(`${draft}publish/`, {})
}
