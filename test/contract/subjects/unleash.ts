import { type Case, casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const project = '/api/admin/projects/{projectId}'
const feature = `${project}/features/{featureName}`
const environment = `${feature}/environments/{environment}`
const strategies = `${environment}/strategies`
const strategyPath = `${strategies}/{strategyId}`
const requests = `${project}/change-requests`
const read = `GET ${feature}`
const ask = `POST ${project}/environments/{environment}/change-requests`

const strategy = (rollout: string) => ({
  id: '01M87BSZBVE6V9HJ16C42VWCGB',
  name: 'flexibleRollout',
  title: 'Europe',
  disabled: false,
  sortOrder: 0,
  parameters: { groupId: 'checkout-v2', rollout, stickiness: 'default' },
  constraints: [{ contextName: 'country', operator: 'IN', values: ['NO'], inverted: false, caseInsensitive: false }],
  variants: [],
  segments: [1],
})
const shown = (enabled: boolean, rollout?: string) => ({
  body: (example: { environments: object[] }) => ({
    ...example,
    environments: [
      { ...example.environments[0], enabled, strategies: rollout === undefined ? [] : [strategy(rollout)] },
    ],
  }),
})
const before = shown(false, '25')

const why = `You don't have the required permissions to perform this operation.`
const guarded = {
  status: 403,
  body: {
    name: 'PermissionError',
    message: `${why} To perform this action, you need the "SKIP_CHANGE_REQUEST" permission.`,
  },
}
const change = { id: 1, action: 'updateEnabled', payload: { enabled: true } }
const request = (state: string, more: object = {}) => ({
  body: {
    id: 5,
    environment: 'production',
    state,
    minApprovals: 1,
    project: 'default',
    features: [{ name: 'checkout-v2', changes: [change] }],
    segments: [],
    createdAt: '2026-11-24T15:01:48.000Z',
    createdBy: { username: 'robot', imageUrl: null },
    stateTimestamps: {},
    ...more,
  },
})
const titled = (state: string, more: object = {}) => request(state, { title: `Launch (caw-${key})`, ...more })
const getRequest = `GET /demo${requests}/{id}`

const sets = casesOf('set-flag', { flag: 'checkout-v2' })
const drafted = { [ask]: [request('Draft')] }
/** The call is guarded by a change request. */
const reviewed = (call: string, answers: Case['answers']) => ({
  answers: { [call]: [guarded], ...answers },
})
const turnsOn = (answers: Case['answers']) => ({
  input: { state: 'on', comment: 'Launch' },
  ...reviewed(`POST ${environment}/on`, { ...answers, [read]: [before, shown(true, '25')] }),
})
const reads = (...states: object[]) => ({ answers: { [read]: states } })

export const unleash: Subject = {
  name: 'unleash',
  contract: 'unleash',
  answers: { [read]: before },
  cases: [
    { action: 'check', how: 'the credentials' },
    sets.passes('on', 'is on (25 %), and was off', { input: { state: 'on' }, ...reads(before, shown(true, '25')) }),
    sets.passes('off', 'is off', { input: { state: 'off' }, ...reads(shown(true, '25'), before) }),
    sets.passes('as it is already', 'was off (25 %) already', { input: { state: 'off', percentage: 25 } }),
    sets.passes('a percentage', '(50 %)', { input: { percentage: 50 }, ...reads(before, before, shown(false, '50')) }),
    sets.passes('on by a percentage without a strategy', 'is on (10 %)', {
      input: { state: 'on', percentage: 10 },
      ...reads(shown(false), shown(false), shown(true, '10')),
    }),
    sets.fails('one that is not there', `There's no feature named "nope"`, {
      input: { flag: 'nope', state: 'on' },
      ...reads({ status: 404, body: { name: 'NotFoundError', message: `There's no feature named "nope"` } }),
    }),
    sets.passes(
      'on, after a review',
      'is on',
      turnsOn({ ...drafted, [getRequest]: [titled('In review'), titled('Approved')] }),
    ),
    sets.passes('on, after a review, again', 'is on', {
      isRetry: true,
      ...turnsOn({
        [`GET /demo${requests}/pending`]: [{ body: [titled('In review').body] }],
        [getRequest]: [titled('Applied')],
      }),
    }),
    sets.passes('on, without an event id', 'is on', {
      noKey: true,
      ...turnsOn({ ...drafted, [getRequest]: [request('Applied')] }),
    }),
    sets.fails(
      'on, and it was rejected',
      'change request 5 ended as Rejected: by mia',
      turnsOn({
        ...drafted,
        [getRequest]: [
          titled('Rejected', {
            rejections: [{ createdBy: { username: 'mia' }, createdAt: '2026-11-24T15:01:48.000Z' }],
          }),
        ],
      }),
    ),
    sets.passes('a percentage, after a review', '(50 %)', {
      input: { percentage: 50 },
      ...reviewed(`PUT ${strategyPath}`, {
        ...drafted,
        [getRequest]: [titled('Applied')],
        [read]: [before, before, shown(false, '50')],
      }),
    }),
    sets.passes('a percentage without a strategy, after a review', '(10 %)', {
      input: { percentage: 10 },
      ...reviewed(`POST ${strategies}`, {
        ...drafted,
        [getRequest]: [titled('Applied')],
        [read]: [shown(false), shown(false), shown(false, '10')],
      }),
    }),
    casesOf('set-flags').passes('two of them off', 'slow-recommendations in production is off', {
      input: { flags: 'checkout-v2, slow-recommendations', state: 'off' },
      answers: { [read]: [shown(true, '25'), shown(true, '25'), before, before] },
    }),
  ],
  // The server of the contract is one of many at a host.
  run: (url, row) => drive(`${url}/demo`, row),
}

const drive = driveProvider('feature-flags', 'unleash', { token: 'a-token-of-unleash', environment: 'production' })
