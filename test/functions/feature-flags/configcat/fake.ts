import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'
import { type FlagRow, startWith } from '../../../conformance/row.ts'

interface Value {
  value: boolean
  /** The share of users that get true, of a flag with percentage options. */
  percentage?: number | undefined
}

interface Operation {
  op: string
  path: string
  value?: unknown
}

type State = ReturnType<typeof initial>

const USERNAME = 'a-user-of-configcat'
const PASSWORD = 'a-password-of-configcat'
const PRODUCT = '08d86d63-2702-4dc5-8c83-6e8f1e1f1a2b'
const ENVIRONMENTS: Record<string, string> = {
  production: '08d86d63-2721-4da6-8c06-584521d516bc',
  test: '08d86d63-272c-4355-8027-4b52787bc1bd',
}
const SETTINGS = ['checkout-v2', 'slow-recommendations', 'banner']

const initial = () => ({
  evaluationVersion: 'v2' as 'v1' | 'v2',
  /** Values by environment and key. */
  values: { production: initialValues(), test: initialValues() } as Record<string, Record<string, Value>>,
  reasons: [] as (string | null)[],
  /** The product requires a reason for each change. */
  reasonRequired: false,
  /** Each flag has a targeting rule for the staff. */
  hasRules: true,
})

/**
 * A fake of the public management API of ConfigCat, with one config.
 *
 * @see https://configcat.com/docs/api/reference/configcat-public-management-api/
 */
const startConfigCat = definePlatform({
  state: initial,
  refuses: requireHeader('authorization', basic(USERNAME, PASSWORD), { status: 401 }),
  routes: {
    'GET /v1/me': () => ({ fullName: 'Robot', email: 'robot@example.com' }),
    'GET /v1/products/08d86d63-2702-4dc5-8c83-6e8f1e1f1a2b/configs': ({ state: { evaluationVersion } }) => [
      { configId: '08d86d63-2726-47cd-8bfc-59608ecb91e2', name: 'Main', evaluationVersion },
    ],
    'GET /v1/products/08d86d63-2702-4dc5-8c83-6e8f1e1f1a2b/environments': () => [
      { environmentId: '08d86d63-2735-4f0e-8a4c-5b3a1c2d3e4f', name: null },
      ...Object.entries(ENVIRONMENTS).map(([name, environmentId]) => ({ environmentId, name })),
    ],
    'GET /v1/configs/08d86d63-2726-47cd-8bfc-59608ecb91e2/settings': () =>
      SETTINGS.map((key, settingId) => ({ settingId, key, settingType: key === 'banner' ? 'string' : 'boolean' })),
    'GET /{version}/environments/{environment}/settings/{setting}/value': ({ state, params }) => {
      const value = currentValue(state, params)
      return value && toResponse(state, value)
    },
    'PATCH /{version}/environments/{environment}/settings/{setting}/value': ({ state, params, query, body }) => {
      const value = currentValue(state, params)
      if (!value) return undefined
      if (state.reasonRequired && !query.has('reason')) return { status: 400, body: { message: 'Reason is required.' } }
      state.reasons.push(query.get('reason'))
      return patch(state, value, body)
    },
  },
  notFound: { status: 404, body: { message: 'The resource was not found.' } },
  members: () => ({ username: USERNAME, password: PASSWORD, product: PRODUCT }),
})

function initialValues(): Record<string, Value> {
  return { 'checkout-v2': { value: false }, 'slow-recommendations': { value: true } }
}

function currentValue(state: State, id: { version: string; environment: string; setting: string }): Value | undefined {
  if (id.version !== state.evaluationVersion) return undefined
  const environment = Object.keys(ENVIRONMENTS).find((name) => ENVIRONMENTS[name] === id.environment)
  return state.values[environment ?? '']?.[SETTINGS[Number(id.setting)] ?? '']
}

/** Lists without items are null. */
function toResponse({ evaluationVersion, hasRules }: State, { value, percentage }: Value) {
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

/** Applies the operations that ConfigCat documents for values and percentages. The first targeting rule is the one for the staff, if there is one. */
function patch(state: State, current: Value, operations: Operation[]): object | Reply {
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
  return before === JSON.stringify(current) ? { status: 204 } : toResponse(state, current)
}

export const flagRow = {
  start: startWith(startConfigCat, ({ url: baseUrl, username, password, product }) => ({
    connection: { baseUrl, username, password, product, config: 'Main', environment: 'production' },
  })),
  flags: { off: 'checkout-v2', on: 'slow-recommendations' },
} satisfies FlagRow
