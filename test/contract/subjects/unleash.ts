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

const set = (how: string, input: object, more: Partial<Case> = {}): Case => ({
  action: 'set-flag',
  how,
  input: { flag: 'checkout-v2', ...input },
  ...more,
})
const asked = (how: string, answers: Case['answers'], more: Partial<Case> = {}): Case =>
  set(
    how,
    { state: 'on', comment: 'Launch' },
    { answers: { [`POST ${environment}/on`]: [guarded], ...answers }, ...more },
  )

const sets = casesOf('set-flags')

export const unleash: Subject = {
  name: 'unleash',
  contract: 'unleash',
  answers: { [read]: before },
  cases: [
    { action: 'check', how: 'the credentials' },
    set('on', { state: 'on' }, { answers: { [read]: [before, shown(true, '25')] }, says: 'is on (25 %), and was off' }),
    set('off', { state: 'off' }, { answers: { [read]: [shown(true, '25'), before] }, says: 'is off' }),
    set('as it is already', { state: 'off', percentage: 25 }, { says: 'was off (25 %) already' }),
    set(
      'a percentage',
      { percentage: 50 },
      { answers: { [read]: [before, before, shown(false, '50')] }, says: '(50 %)' },
    ),
    set(
      'on by a percentage without a strategy',
      { state: 'on', percentage: 10 },
      { answers: { [read]: [shown(false), shown(false), shown(true, '10')] }, says: 'is on (10 %)' },
    ),
    set(
      'one that is not there',
      { flag: 'nope', state: 'on' },
      {
        answers: {
          [read]: [{ status: 404, body: { name: 'NotFoundError', message: `There's no feature named "nope"` } }],
        },
        refused: true,
        says: `There's no feature named "nope"`,
      },
    ),
    asked(
      'on, after a review',
      {
        [ask]: [request('Draft')],
        [getRequest]: [titled('In review'), titled('Approved')],
        [read]: [before, shown(true, '25')],
      },
      { says: 'is on' },
    ),
    asked(
      'on, after a review, again',
      {
        [`GET /demo${requests}/pending`]: [{ body: [titled('In review').body] }],
        [getRequest]: [titled('Applied')],
        [read]: [before, shown(true, '25')],
      },
      { isRetry: true, says: 'is on' },
    ),
    asked(
      'on, without an event id',
      { [ask]: [request('Draft')], [getRequest]: [request('Applied')], [read]: [before, shown(true, '25')] },
      { noKey: true, says: 'is on' },
    ),
    asked(
      'on, and it was rejected',
      {
        [ask]: [request('Draft')],
        [getRequest]: [
          titled('Rejected', {
            rejections: [{ createdBy: { username: 'mia' }, createdAt: '2026-11-24T15:01:48.000Z' }],
          }),
        ],
      },
      { refused: true, says: 'change request 5 ended as Rejected: by mia' },
    ),
    set(
      'a percentage, after a review',
      { percentage: 50 },
      {
        answers: {
          [`PUT ${strategyPath}`]: [guarded],
          [ask]: [request('Draft')],
          [getRequest]: [titled('Applied')],
          [read]: [before, before, shown(false, '50')],
        },
        says: '(50 %)',
      },
    ),
    set(
      'a percentage without a strategy, after a review',
      { percentage: 10 },
      {
        answers: {
          [`POST ${strategies}`]: [guarded],
          [ask]: [request('Draft')],
          [getRequest]: [titled('Applied')],
          [read]: [shown(false), shown(false), shown(false, '10')],
        },
        says: '(10 %)',
      },
    ),
    sets.passes('two of them off', 'slow-recommendations in production is off', {
      input: { flags: 'checkout-v2, slow-recommendations', state: 'off' },
      answers: { [read]: [shown(true, '25'), shown(true, '25'), before, before] },
    }),
  ],
  // The server of the contract is one of many at a host.
  run: (url, row) => drive(`${url}/demo`, row),
}

const drive = driveProvider('feature-flags', 'unleash', { token: 'a-token-of-unleash', environment: 'production' })
