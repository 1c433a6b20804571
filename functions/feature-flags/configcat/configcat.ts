import * as z from 'zod/mini'
import { invalidInput, refused } from '../../../shared/errors.ts'
import { name, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineFlagProvider, type FlagChange } from '../../../shared/providers/flag.ts'
import type { Client } from '../../../shared/providers/provider.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the API. Defaults to https://api.configcat.com'), 'https://api.configcat.com'),
  username: word(
    'User name of the public API credentials, of a user who may read configs and change feature flag values',
  ),
  password: secret('Password of the public API credentials'),
  product: word('Id of the product'),
  config: name('Id or name of the config'),
  environment: optional(name('Id or name of the default environment')),
})
type ConfigCat = Client<z.output<typeof connection>>

// ConfigCat's document allows null for each text and list.
const text = z.nullish(z.string())
const configs = z.array(z.object({ configId: z.string(), name: text, evaluationVersion: z.enum(['v1', 'v2']) }))
const environments = z.array(z.object({ environmentId: z.string(), name: text }))
const settings = z.array(z.object({ settingId: z.int(), key: text, settingType: z.string() }))

const boolValue = z.object({ boolValue: z.boolean() })
const v1Value = z.object({
  value: z.boolean(),
  rolloutPercentageItems: z.nullish(z.array(z.object({ percentage: z.number(), value: z.boolean() }))),
})
const v2Value = z.object({
  defaultValue: boolValue,
  targetingRules: z.nullish(
    z.array(
      z.object({
        conditions: z.nullish(z.array(z.unknown())),
        percentageOptions: z.nullish(z.array(z.object({ percentage: z.number(), value: boolValue }))),
      }),
    ),
  ),
})

/** A flag in one environment, in either version of the API. */
interface Setting {
  value: boolean
  /** The share of users that get true, if the flag has percentage options for all users. */
  percentage: number | undefined
  /** The page of the flag. */
  link: string
  /** The path of its value. */
  path: string
  /** Returns the JSON Patch for another state. */
  patchTo(value: boolean, percentage: number | undefined): object[]
}

/**
 * ConfigCat. Sets the value for all users, and their percentage options. Targeting rules with conditions stay unchanged.
 *
 * @see https://configcat.com/docs/api/reference/configcat-public-management-api/
 */
export const configcat = defineFlagProvider({
  title: 'ConfigCat',
  connection,
  headers: ({ username, password }) => ({ authorization: basicAuth(username, password) }),
  async check(client) {
    await client.http.get('v1/me', { schema: z.looseObject({}) })
    await findConfig(client)
  },
  // The connection has the product and the config.
  project: undefined,

  checkChange({ flag, on, percentage }) {
    if (on === false && percentage !== undefined)
      throw invalidInput('input.percentage', `is not supported for ${flag}: ConfigCat stores none while a flag is off`)
  },

  async get(client, { environment }, flag) {
    const { value, percentage, link } = await readSetting(client, environment, flag)
    return percentage === undefined
      ? { on: value, ...(value ? { percentage: 100 } : {}), url: link }
      : { on: true, percentage, url: link }
  },

  async set(client, { environment }, [change], reason) {
    // Without setsAllAtOnce, each call has one change.
    if (!change) return undefined
    const setting = await readSetting(client, environment, change.flag)
    const [value, percentage] = targetOf(setting, change)
    const body = JSON.stringify(setting.patchTo(value, percentage))
    const headers = { 'content-type': 'application/json' }
    await client.http.patch(setting.path, body, { headers, query: { reason } })
    return undefined
  },
})

/** The value of a flag that is rolled out serves only users without an identifier. */
function targetOf(setting: Setting, { flag, on, percentage }: FlagChange): [boolean, number | undefined] {
  const isOff = !setting.value && setting.percentage === undefined
  if (on === undefined && isOff)
    throw refused(`${flag} is off. ConfigCat then does not store a percentage: send input.state on, too.`)
  if (percentage === undefined || percentage === 100) return [on ?? true, undefined]
  return [false, percentage]
}

type Names = [id: string | null | undefined, name: string | null | undefined]

/** @throws Failure `refused` if there is none */
function only<T>(noun: string, wanted: string, items: readonly T[], namesOf: (item: T) => Names): T {
  const byId = items.filter((item) => namesOf(item)[0] === wanted)
  const [found, ...others] = byId.length > 0 ? byId : items.filter((item) => namesOf(item)[1] === wanted)
  if (found && others.length === 0) return found
  const known = items.flatMap((item) => namesOf(item)[1] ?? []).join(', ')
  throw refused(
    found
      ? `ConfigCat has more than one ${noun} named "${wanted}". Use its id.`
      : `ConfigCat has no ${noun} "${wanted}", or the credentials may not read it. Known: ${known}.`,
  )
}

async function findConfig({ http, connection: { product, config } }: ConfigCat) {
  const { body } = await http.get(`v1/products/${segment(product)}/configs`, { schema: configs })
  return only('config', config, body, (item) => [item.configId, item.name])
}

async function readSetting(client: ConfigCat, environment: string, flag: string): Promise<Setting> {
  const { http, connection } = client
  const { configId, evaluationVersion } = await findConfig(client)
  const path = `v1/products/${segment(connection.product)}/environments`
  const all = (await http.get(path, { schema: environments })).body
  const { environmentId } = only('environment', environment, all, (item) => [item.environmentId, item.name])
  const list = (await http.get(`v1/configs/${segment(configId)}/settings`, { schema: settings })).body
  const { settingId, settingType } = only('flag', flag, list, ({ key }) => [key, key])
  if (settingType !== 'boolean')
    throw refused(`${flag} is a setting of the type ${settingType}. Only boolean flags can be set.`)
  const valuePath = `${evaluationVersion}/environments/${segment(environmentId)}/settings/${settingId}/value`
  const place = {
    path: valuePath,
    link: `https://app.configcat.com/${[connection.product, configId, environmentId].map(encodeURIComponent).join('/')}`,
  }
  return evaluationVersion === 'v1' ? readV1(http, place) : readV2(http, place)
}

type Place = Pick<Setting, 'path' | 'link'>

async function readV1(http: Http, place: Place): Promise<Setting> {
  const { value, rolloutPercentageItems } = (await http.get(place.path, { schema: v1Value })).body
  const items = rolloutPercentageItems ?? []
  return {
    ...place,
    value,
    percentage: items.length > 0 ? shareOf(items) : undefined,
    patchTo(next, percentage) {
      const options = optionsOf(percentage, (served) => served)
      return [
        { op: 'replace', path: '/value', value: next },
        ...(options.length > 0 || items.length > 0
          ? [{ op: 'replace', path: '/rolloutPercentageItems', value: options }]
          : []),
      ]
    },
  }
}

/** The percentage options for all users are those of a rule without conditions. */
async function readV2(http: Http, place: Place): Promise<Setting> {
  const { defaultValue, targetingRules } = (await http.get(place.path, { schema: v2Value })).body
  const rules = targetingRules ?? []
  const index = rules.findIndex(({ conditions, percentageOptions }) => !conditions?.length && percentageOptions)
  const options = rules[index]?.percentageOptions ?? []
  const rulePath = `/targetingRules/${index}`
  return {
    ...place,
    value: defaultValue.boolValue,
    percentage:
      index < 0 ? undefined : shareOf(options.map((option) => ({ ...option, value: option.value.boolValue }))),
    patchTo(next, percentage) {
      const percentageOptions = optionsOf(percentage, (served) => ({ boolValue: served }))
      const rule = { conditions: [], percentageOptions }
      const isRemoved = percentage === undefined
      const added = targetingRules
        ? { path: '/targetingRules/-', value: rule }
        : { path: '/targetingRules', value: [rule] }
      return [
        { op: 'replace', path: '/defaultValue/boolValue', value: next },
        ...(index < 0 && !isRemoved ? [{ op: 'add', ...added }] : []),
        ...(index >= 0 && !isRemoved
          ? [{ op: 'replace', path: `${rulePath}/percentageOptions`, value: percentageOptions }]
          : []),
        ...(index >= 0 && isRemoved ? [{ op: 'remove', path: rulePath }] : []),
      ]
    },
  }
}

function shareOf(options: { percentage: number; value: boolean }[]): number {
  return options.filter(({ value }) => value).reduce((sum, { percentage }) => sum + percentage, 0)
}

/** The percentages must add up to 100. */
function optionsOf<V>(percentage: number | undefined, serve: (on: boolean) => V) {
  if (percentage === undefined) return []
  return [
    { percentage, value: serve(true) },
    { percentage: 100 - percentage, value: serve(false) },
  ]
}
