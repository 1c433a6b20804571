import * as z from 'zod/mini'
import { type Failure, refused } from '../../../shared/errors.ts'
import { name, optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineFlagProvider, type FlagChange, type FlagLocation } from '../../../shared/providers/flag.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { type ChangeAction, getChangeStatus, requestChange } from '../../../shared/vendors/unleash-change-requests.ts'

const strategy = z.object({
  id: z.string(),
  name: z.string(),
  title: z.nullish(z.string()),
  disabled: z.nullish(z.boolean()),
  sortOrder: z.optional(z.number()),
  parameters: z.optional(z.record(z.string(), z.string())),
  constraints: z.optional(z.array(z.unknown())),
  variants: z.optional(z.array(z.unknown())),
  segments: z.optional(z.array(z.number())),
})
type Strategy = z.output<typeof strategy>
const feature = z.object({
  environments: z.array(z.object({ name: z.string(), enabled: z.boolean(), strategies: z.array(strategy) })),
})

const connection = z.strictObject({
  baseUrl: url('https://app.unleash-hosted.com/<instance>, or the URL of a self-hosted server'),
  token: secret('Token of a service account, or a personal access token. A client token cannot change flags'),
  project: z._default(word('Id of the default project'), 'default'),
  environment: optional(name('Name of the default environment')),
})
type Unleash = Client<z.output<typeof connection>>

/** The activation strategy that rolls out to a percentage. */
const GRADUAL_ROLLOUT = 'flexibleRollout'

/**
 * Unleash. If an environment requires change requests (Enterprise), creates one, sends it to review and applies it after
 * approval.
 *
 * @see https://docs.getunleash.io/api/overview
 */
export const unleash = defineFlagProvider({
  title: 'Unleash',
  connection,
  headers: ({ token }) => ({ authorization: token }),
  check: ({ http }) => http.get('api/admin/user'),

  project: { pattern: /^[A-Za-z0-9_~.-]{1,100}$/, example: 'default' },

  async get({ http }, location, flag) {
    const { enabled, strategies } = await readEnvironment(http, location, flag)
    const rollouts = new Set(gradualRollouts(strategies).map(({ parameters }) => parameters?.['rollout']))
    const [rollout] = rollouts
    return {
      on: enabled,
      percentage: rollouts.size === 1 && rollout !== undefined ? Number(rollout) : undefined,
      url: `${http.baseUrl}/${projectPath(location)}/features/${segment(flag)}`,
    }
  },

  async set(client, location, changes, comment) {
    // Without setsTogether, each call has one change.
    const [change] = changes
    if (!change) return undefined
    // Roll out before turning on, and turn off before rolling out: no user gets the flag by the old percentage.
    const steps = [...(await rolloutSteps(client, location, change)), ...enableSteps(location, change)]
    if (change.on === false) steps.reverse()
    for (const [index, { method, path, body }] of steps.entries()) {
      try {
        await client.http.request(method, path, { body })
      } catch (error) {
        // Unleash names the missing permission only in its message.
        if (index > 0 || !isRefusedBecause(error, 'SKIP_CHANGE_REQUEST')) throw error
        const actions = steps.map((step): ChangeAction => ({ feature: change.flag, ...step.asChange }))
        return requestChange(client, location, actions, comment)
      }
    }
    return undefined
  },

  getChangeStatus: (client, location, { id }) => getChangeStatus(client.http, location, id),
})

/** One step of a change: as a direct request and as an action of a change request. */
interface Step {
  method: 'POST' | 'PUT'
  path: string
  body?: object
  asChange: { action: string; payload: object }
}

function projectPath({ project = '' }: FlagLocation): string {
  return `projects/${segment(project)}`
}

function pathIn(location: FlagLocation, flag: string): string {
  const environment = segment(location.environment)
  return `api/admin/${projectPath(location)}/features/${segment(flag)}/environments/${environment}`
}

async function readEnvironment(http: Http, location: FlagLocation, flag: string) {
  const path = `api/admin/${projectPath(location)}/features/${segment(flag)}`
  const { environments } = (await http.get(path, { schema: feature })).body
  const found = environments.find(({ name }) => name === location.environment)
  if (found) return found
  const known = environments.map(({ name }) => name).join(', ')
  throw refused(`${flag} has no environment "${location.environment}" in Unleash. Environments: ${known}.`)
}

function gradualRollouts(strategies: Strategy[]): Strategy[] {
  return strategies.filter(({ name, disabled }) => name === GRADUAL_ROLLOUT && !disabled)
}

function enableSteps(location: FlagLocation, { flag, on }: FlagChange): Step[] {
  if (on === undefined) return []
  const asChange = { action: 'updateEnabled', payload: { enabled: on } }
  return [{ method: 'POST', path: `${pathIn(location, flag)}/${on ? 'on' : 'off'}`, asChange }]
}

async function rolloutSteps(
  { http }: Unleash,
  location: FlagLocation,
  { flag, percentage }: FlagChange,
): Promise<Step[]> {
  if (percentage === undefined) return []
  const { strategies } = await readEnvironment(http, location, flag)
  const path = `${pathIn(location, flag)}/strategies`
  const [rollout, ...others] = gradualRollouts(strategies)
  if (rollout && others.length === 0) {
    const { id, ...kept } = rollout
    const body = { ...kept, parameters: { ...kept.parameters, rollout: String(percentage) } }
    const asChange = { action: 'updateStrategy', payload: { id, ...body } }
    return [{ method: 'PUT', path: `${path}/${segment(id)}`, body, asChange }]
  }
  const enabled = strategies.filter(({ disabled }) => !disabled)
  if (enabled.length > 0) throw ambiguousRollout(flag, enabled)
  const parameters = { rollout: String(percentage), stickiness: 'default', groupId: flag }
  const body = { name: GRADUAL_ROLLOUT, parameters, constraints: [] }
  return [{ method: 'POST', path, body, asChange: { action: 'addStrategy', payload: body } }]
}

/** A user gets the flag if any strategy matches, so another gradual rollout could not limit the others. */
function ambiguousRollout(flag: string, strategies: Strategy[]): Failure {
  const names = strategies.map(({ name, title, parameters }) => {
    const rollout = parameters?.['rollout']
    return `${title || name}${rollout === undefined ? '' : ` (${rollout} %)`}`
  })
  return refused(
    `${flag} has these strategies: ${names.join(', ')}. A percentage can only be set for a flag with exactly one gradual rollout. Its state can still be set.`,
  )
}
