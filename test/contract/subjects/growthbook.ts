import { casesOf, key, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const path = '/v2/features/{id}'
const read = `GET ${path}`
const rule = {
  ...{
    id: 'fr_1',
    description: '',
    enabled: true,
    type: 'rollout',
    value: 'true',
    coverage: 0.25,
    hashAttribute: 'id',
  },
  ...{ allEnvironments: false, environments: ['production'] },
}
const feature = {
  ...{ id: 'checkout-v2', dateCreated: '2026-11-27T10:00:00Z', dateUpdated: '2026-11-27T10:00:00Z', archived: false },
  ...{ description: '', owner: '', project: '', valueType: 'boolean', defaultValue: 'true', tags: [], rules: [rule] },
  revision: { version: 1, comment: '', date: '2026-11-27T10:00:00Z' },
}
const as = (enabled: boolean, more: object = {}): Answer => ({
  body: { feature: { ...feature, environments: { production: { enabled, defaultValue: 'true' } }, ...more } },
})
const revision = (status: string) => ({
  ...{ featureId: 'checkout-v2', baseVersion: 1, version: 2, comment: `(Ref: caw-${key})`, status, rules: [] },
  date: '2026-11-27T10:00:00Z',
})
const draft: Answer = { body: { revision: revision('draft') } }
const draftPath = `${path}/revisions/{version}`
const flags = casesOf('set-flag', { flag: 'checkout-v2' })
const half = { rules: [{ ...rule, coverage: 0.5 }] }

export const growthbook: Subject = {
  name: 'growthbook',
  contract: 'growthbook',
  // No feature with rules or revisions matches its schema, which joins schemas that exclude each other.
  documents: [read],
  answers: {
    'GET /v1/environments': { body: { environments: [] } },
    [read]: as(false),
    [`POST ${path}/toggle`]: as(true, { rules: [] }),
    [`POST ${path}/revisions`]: draft,
    [`PUT ${draftPath}/rules/{ruleId}`]: draft,
    [`POST ${draftPath}/toggle`]: draft,
    [`POST ${draftPath}/request-review`]: draft,
    [`POST ${draftPath}/publish`]: { body: { revision: revision('published') } },
  },
  cases: [
    { action: 'check', how: 'the credentials' },
    flags.passes('on', '', { input: { state: 'on', comment: 'Launch' }, answers: { [read]: [as(false), as(true)] } }),
    flags.passes('on and to a percentage', '', {
      input: { state: 'on', percentage: 50, comment: 'Launch' },
      // The state, the rollout, the drafts and the new state.
      answers: { [read]: [as(false), as(false), as(false, { revisions: [] }), as(true, half)] },
    }),
    flags.passes('on after a review', '', {
      ...{ connection: { review: 'on' }, input: { state: 'on' } },
      answers: {
        [read]: [as(false), as(false, { revisions: [] }), as(false, { revisions: [revision('approved')] }), as(true)],
      },
    }),
    casesOf('set-flags', { flags: ['checkout-v2'] }).passes('on', '', {
      ...{ input: { state: 'on' }, noKey: true },
      answers: { [read]: [as(false), as(true)] },
    }),
  ],
  run: driveProvider('feature-flags', 'growthbook', (url) => ({
    ...{ baseUrl: `${url}/api`, token: 'secret_admin_key', environment: 'production' },
  })),
}
