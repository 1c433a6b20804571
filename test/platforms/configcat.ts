import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Value {
  value: boolean
  /** The share of users that get true, of a flag with percentage options. */
  percentage?: number | undefined
}

export interface ConfigCatServer extends Served {
  username: string
  password: string
  product: string
  state: {
    evaluationVersion: 'v1' | 'v2'
    /** By environment and key. */
    values: Record<string, Record<string, Value>>
    reasons: (string | null)[]
    /** The product requires a reason for each change. */
    reasonRequired: boolean
    /** Each flag has a targeting rule for the staff. */
    hasRules: boolean
  }
}

interface Operation {
  op: string
  path: string
  value?: unknown
}

const CONFIG = '08d86d63-2726-47cd-8bfc-59608ecb91e2'
const ENVIRONMENTS = {
  production: '08d86d63-2721-4da6-8c06-584521d516bc',
  test: '08d86d63-272c-4355-8027-4b52787bc1bd',
}
const SETTINGS = ['checkout-v2', 'slow-recommendations', 'banner']

/**
 * A fake of the public management API of ConfigCat, with one config.
 *
 * @see https://configcat.com/docs/api/reference/configcat-public-management-api/
 */
export async function startConfigCat(): Promise<ConfigCatServer> {
  const credentials = { username: 'a-user-of-configcat', password: 'a-password-of-configcat' }
  const product = '08d86d63-2702-4dc5-8c83-6e8f1e1f1a2b'
  const flags = () => ({ 'checkout-v2': { value: false }, 'slow-recommendations': { value: true } })
  const state: ConfigCatServer['state'] = {
    evaluationVersion: 'v2',
    values: { production: flags(), test: flags() },
    ...{ reasons: [], reasonRequired: false, hasRules: true },
  }
  const authorization = `Basic ${btoa(`${credentials.username}:${credentials.password}`)}`
  const served = await serve((call) =>
    call.headers['authorization'] === authorization ? answer(state, product, call) : { status: 401 },
  )
  return { ...served, ...credentials, product, state }
}

const notFound: Reply = { status: 404, body: { message: 'The resource was not found.' } }

function answer(state: ConfigCatServer['state'], product: string, { method, path, query, body }: Call): Reply {
  const { evaluationVersion } = state
  if (path === '/v1/me') return ok({ fullName: 'Robot', email: 'robot@example.com' })
  if (path === `/v1/products/${product}/configs`) return ok([{ configId: CONFIG, name: 'Main', evaluationVersion }])
  if (path === `/v1/products/${product}/environments`)
    return ok([
      { environmentId: '08d86d63-2735-4f0e-8a4c-5b3a1c2d3e4f', name: null },
      ...Object.entries(ENVIRONMENTS).map(([name, environmentId]) => ({ environmentId, name })),
    ])
  if (path === `/v1/configs/${CONFIG}/settings`)
    return ok(
      SETTINGS.map((key, settingId) => ({ settingId, key, settingType: key === 'banner' ? 'string' : 'boolean' })),
    )
  const [, version, id, setting] = /^\/(v\d)\/environments\/([\da-f-]+)\/settings\/(\d+)\/value$/.exec(path) ?? []
  const environment = Object.entries(ENVIRONMENTS).find(([, one]) => one === id)?.[0] ?? ''
  const value = state.values[environment]?.[SETTINGS[Number(setting)] ?? '']
  if (version !== evaluationVersion || !value) return notFound
  if (method === 'GET') return ok(toResponse(state, value))
  if (state.reasonRequired && !query.has('reason')) return { status: 400, body: { message: 'Reason is required.' } }
  state.reasons.push(query.get('reason'))
  return patch(state, value, body as Operation[])
}

/** Lists without items are null. */
function toResponse({ evaluationVersion, hasRules }: ConfigCatServer['state'], { value, percentage }: Value) {
  const options =
    percentage === undefined ? [] : [true, false].map((on) => ({ on, share: on ? percentage : 100 - percentage }))
  if (evaluationVersion === 'v1') {
    const items = options.map(({ on, share }) => ({ percentage: share, value: on }))
    return { value, rolloutPercentageItems: items.length > 0 ? items : null, rolloutRules: null }
  }
  const percentageOptions = options.map(({ on, share }) => ({ percentage: share, value: { boolValue: on } }))
  const forStaff = { conditions: [{ userCondition: { comparisonAttribute: 'Email' } }], value: { boolValue: true } }
  const targetingRules = [
    ...(hasRules ? [forStaff] : []),
    ...(options.length > 0 ? [{ conditions: null, percentageOptions }] : []),
  ]
  return { defaultValue: { boolValue: value }, targetingRules: targetingRules.length > 0 ? targetingRules : null }
}

/** Applies the operations that ConfigCat documents for values and percentages. The first targeting rule is that for the staff, if any. */
function patch(state: ConfigCatServer['state'], current: Value, operations: Operation[]): Reply {
  const isV1 = state.evaluationVersion === 'v1'
  const last = state.hasRules ? 1 : 0
  const isEmpty = !state.hasRules && current.percentage === undefined
  const before = JSON.stringify(current)
  for (const { op, path, value } of operations) {
    const places = isV1
      ? ['replace /rolloutPercentageItems']
      : [isEmpty ? 'add /targetingRules' : 'add /targetingRules/-', `replace /targetingRules/${last}/percentageOptions`]
    if (op === 'replace' && path === (isV1 ? '/value' : '/defaultValue/boolValue')) current.value = value === true
    else if (op === 'remove' && path === `/targetingRules/${last}`) current.percentage = undefined
    else if (places.includes(`${op} ${path}`)) {
      const rule = (isEmpty && op === 'add' ? (value as unknown[])[0] : value) as { percentageOptions?: unknown }
      const options = op === 'add' ? rule.percentageOptions : value
      const [first, second] = options as { percentage: number }[]
      if (first && second && first.percentage + second.percentage !== 100)
        return { status: 400, body: { message: 'The sum of the percentages must be 100.' } }
      current.percentage = first?.percentage
    } else return { status: 400, body: { message: `Invalid operation ${op} ${path}` } }
  }
  return before === JSON.stringify(current) ? { status: 204 } : ok(toResponse(state, current))
}
