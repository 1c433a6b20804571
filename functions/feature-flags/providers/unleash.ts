import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, secret, url, word } from '../../../shared/fields.ts'
import { type Http, segment } from '../../../shared/http/client.ts'
import { defineFlagProvider, type FlagChange, type FlagLocation } from '../../../shared/providers/flag.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { askForChange, type ChangeAction, lookAtChange } from '../../../shared/vendors/unleash-change-requests.ts'

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
  baseUrl: url('Where Unleash is: https://app.unleash-hosted.com/<instance>, or a server of your own'),
  token: secret('A token of a service account, or a personal access token; a client token can not change flags'),
  project: z._default(word('Default project, by its id'), 'default'),
  environment: optional(name('Default environment, by its name')),
})
type Unleash = Client<z.output<typeof connection>>

/** The strategy that rolls out by percentage. */
const gradual = 'flexibleRollout'

/**
 * Unleash.
 *
 * Where changes of an environment must go through change requests (Enterprise), it makes one, sends it to review, and
 * applies it once it is approved.
 *
 * @see https://docs.getunleash.io/api/overview
 */
export const unleash = defineFlagProvider({
  title: 'Unleash',
  connection,
  headers: ({ token }) => ({ authorization: token }),
  check: ({ http }) => http.get('api/admin/user'),

  project: { pattern: /^[A-Za-z0-9_~.-]{1,100}$/, example: 'default' },

  async get({ http }, place, flag) {
    const { enabled, strategies } = await read(http, place, flag)
    const rollouts = new Set(gradualOnes(strategies).map(({ parameters }) => parameters?.['rollout']))
    const [rollout] = rollouts
    return {
      on: enabled,
      percentage: rollouts.size === 1 && rollout !== undefined ? Number(rollout) : undefined,
      url: `${http.baseUrl}/${projectPath(place)}/features/${segment(flag)}`,
    }
  },

  async set(client, place, changes, comment) {
    // They come one at a time.
    const [change] = changes
    if (!change) return undefined
    // On last, and off first: nobody gets it by an old percentage in between.
    const steps = [...(await rolloutSteps(client, place, change)), ...enableSteps(place, change)]
    if (change.on === false) steps.reverse()
    for (const [at, { method, path, body }] of steps.entries()) {
      try {
        await client.http.request(method, path, { body })
      } catch (error) {
        if (at > 0 || !needsChangeRequest(error)) throw error
        const actions = steps.map((step): ChangeAction => ({ feature: change.flag, ...step.asChange }))
        return askForChange(client, place, actions, comment)
      }
    }
    return undefined
  },

  getChangeStatus: (client, place, { id }) => lookAtChange(client.http, place, id),
})

/** A change as it is made at once, and as a change request has it. */
interface Step {
  method: 'POST' | 'PUT'
  path: string
  body?: object
  asChange: { action: string; payload: object }
}

function projectPath({ project = '' }: FlagLocation): string {
  return `projects/${segment(project)}`
}

function pathIn(place: FlagLocation, flag: string): string {
  const environment = segment(place.environment)
  return `api/admin/${projectPath(place)}/features/${segment(flag)}/environments/${environment}`
}

async function read(http: Http, place: FlagLocation, flag: string) {
  const path = `api/admin/${projectPath(place)}/features/${segment(flag)}`
  const { environments } = (await http.get(path, { schema: feature })).body
  const found = environments.find(({ name }) => name === place.environment)
  if (found) return found
  const known = environments.map(({ name }) => name).join(', ')
  throw new Failure('refused', `${flag} has no environment "${place.environment}" in Unleash; it has: ${known}.`)
}

/** The words of an Unleash that lets nobody but who may skip them by. */
function needsChangeRequest(error: unknown): boolean {
  return error instanceof Failure && error.kind === 'refused' && error.message.includes('SKIP_CHANGE_REQUEST')
}

function gradualOnes(strategies: Strategy[]): Strategy[] {
  return strategies.filter(({ name, disabled }) => name === gradual && !disabled)
}

function enableSteps(place: FlagLocation, { flag, on }: FlagChange): Step[] {
  if (on === undefined) return []
  const asChange = { action: 'updateEnabled', payload: { enabled: on } }
  return [{ method: 'POST', path: `${pathIn(place, flag)}/${on ? 'on' : 'off'}`, asChange }]
}

async function rolloutSteps({ http }: Unleash, place: FlagLocation, { flag, percentage }: FlagChange): Promise<Step[]> {
  if (percentage === undefined) return []
  const { strategies } = await read(http, place, flag)
  const path = `${pathIn(place, flag)}/strategies`
  const [one, ...others] = gradualOnes(strategies)
  if (one && others.length === 0) {
    const { id, ...kept } = one
    const body = { ...kept, parameters: { ...kept.parameters, rollout: String(percentage) } }
    const asChange = { action: 'updateStrategy', payload: { id, ...body } }
    return [{ method: 'PUT', path: `${path}/${segment(id)}`, body, asChange }]
  }
  const enabled = strategies.filter(({ disabled }) => !disabled)
  if (enabled.length > 0) throw noneToSet(flag, enabled)
  const parameters = { rollout: String(percentage), stickiness: 'default', groupId: flag }
  const body = { name: gradual, parameters, constraints: [] }
  return [{ method: 'POST', path, body, asChange: { action: 'addStrategy', payload: body } }]
}

/** Whoever is let in by any of the strategies gets the flag: one more would not take it from anybody. */
function noneToSet(flag: string, strategies: Strategy[]): Failure {
  const names = strategies.map(({ name, title, parameters }) => {
    const rollout = parameters?.['rollout']
    return `${title || name}${rollout === undefined ? '' : ` (${rollout} %)`}`
  })
  return new Failure(
    'refused',
    `Unleash lets ${flag} out by ${names.join(', ')}: a percentage can only be set where exactly one strategy rolls out gradually. Its state can be set.`,
  )
}
