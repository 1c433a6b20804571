import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../../infra/project/token-hash.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { webhooks } from './webhooks.ts'

const folder = temporaryFolder()
const caller = (more: object = {}) => ({ tokens: [tokenHash('a')], categories: ['*'], ...more })
const slack = {
  provider: 'slack',
  baseUrl: 'http://127.0.0.1:9',
  token: 'xoxb-token-of-a-workspace',
  signingSecret: 'signing-secret-of-an-app',
}
const secrets = {
  'cloud-automation-webhooks/connections/notification/ops': { ...slack, channel: 'C0OPERATIONS' },
  'cloud-automation-webhooks/connections/notification/no-channel': slack,
  'cloud-automation-webhooks/connections/notification/mail': {
    provider: 'ntfy',
    baseUrl: 'http://127.0.0.1:9',
    channel: 'ops',
  },
}

/** Returns the findings about the policy and the callers. */
async function doctor(policy: string | undefined, callers: object, more: object = {}) {
  const state = join(folder, 'state')
  const [file, stored] = [join(folder, 'policy.yaml'), join(folder, 'secrets.json')]
  if (policy !== undefined) writeFileSync(file, policy)
  writeFileSync(stored, JSON.stringify({ ...secrets, 'cloud-automation-webhooks/callers': callers, ...more }))
  const env = { WEBHOOKS_STATE: state, WEBHOOKS_PORT: '8788', WEBHOOKS_SECRETS: stored }
  const { out } = await webhooks('doctor --local --json', {
    env: { ...env, ...(policy === undefined ? {} : { WEBHOOKS_POLICY: file }) },
  })
  const findings = JSON.parse(out) as { what: string; state: string; found: string; advice?: string }[]
  return findings.filter(
    ({ what, state }) => what.startsWith('policy') || (what.startsWith('caller') && state === 'wrong'),
  )
}

const approve = (fields: string, when = '{}') => `rules:\n  - { name: reviewed, when: ${when}, approve: ${fields} }\n`
const what = 'policy, rule "reviewed"'

describe('webhooks doctor', () => {
  it('reports a policy whose approvals can be asked', async () => {
    const policy = approve('{ connection: ops, by: [U0JANE, ben@example.com], count: 2, notRequester: true }')
    expect(await doctor(policy, { ci: caller({ owners: ['jane@example.com'] }) })).toEqual([
      { what: 'policy', state: 'ok', found: expect.stringMatching(/policy\.yaml, rules: 1$/) },
    ])
  })

  it.each([
    ['a connection that does not exist', '{ connection: none }', 'asks with notification/none, which does not exist'],
    [
      'a platform that cannot distinguish people',
      '{ connection: mail, count: 2 }',
      'but ntfy cannot distinguish people',
    ],
    [
      'a platform that does not identify people on the page',
      '{ connection: ops, count: 2, complete: true }',
      'but the page of approvals cannot distinguish people',
    ],
    ['a channel that is missing', '{ connection: no-channel }', 'cannot ask with notification/no-channel'],
  ])('finds %s', async (_name, fields, found) => {
    expect(await doctor(approve(fields), {})).toContainEqual(
      expect.objectContaining({ what, state: 'wrong', found: expect.stringContaining(found) }),
    )
  })

  it('accepts a rule for the people who sign in, and finds names that no sign-in has', async () => {
    const people = {
      issuer: 'http://127.0.0.1:9',
      clientId: 'approvals',
      clientSecret: 'a-client-secret-of-the-tests',
      domains: ['example.com'],
    }
    const stored = { 'cloud-automation-webhooks/people': people }
    const rule = (by: string) => approve(`{ connection: mail, count: 2, by: [${by}] }`)
    expect(await doctor(rule('jane@example.com, ben@example.com'), {}, stored)).toMatchObject([{ state: 'ok' }])
    const found = expect.stringContaining('names U0JANE, whom a sign-in cannot verify')
    const advice = 'List people as an e-mail address of example.com.'
    const findings = await doctor(rule('U0JANE, ben@example.com'), {}, stored)
    expect(findings).toContainEqual({ what, state: 'wrong', found, advice })
  })

  it('finds callers without owners that a rule with notRequester may match', async () => {
    const rule = approve(
      '{ connection: ops, notRequester: true }',
      '{ actions: [ci-cd/*], callers: [ci-*], agents: false }',
    )
    const callers = {
      'ci-build': caller(),
      'ci-known': caller({ owners: ['jane@example.com'] }),
      'ci-agent': caller({ agent: true, writes: 'allow' }),
      'ci-tickets': caller({ categories: ['issue-ticketing'] }),
      other: caller(),
    }
    expect((await doctor(rule, callers)).map(({ what }) => what)).toEqual(['policy', 'caller ci-build'])
  })

  it('finds callers whose writes need an approval that cannot be requested', async () => {
    const callers = { bot: caller({ agent: true }), ci: caller({ writes: 'approve' }), free: caller() }
    const refused = ['caller bot', 'caller ci']
    expect((await doctor(undefined, callers)).map(({ what }) => what)).toEqual(refused)
    expect((await doctor('rules: []', callers)).map(({ what }) => what)).toEqual(expect.arrayContaining(refused))
    const asked = 'approval: { connection: ops, notRequester: true }\nrules: []'
    expect((await doctor(asked, { bot: caller({ agent: true }), free: caller() })).map(({ found }) => found)).toEqual([
      expect.stringContaining('rules: 0'),
      expect.stringContaining('has no owners, so calls that the section approval of the policy matches are refused'),
    ])
  })

  it('finds an invalid policy, and a group that is not defined', async () => {
    expect(await doctor(approve('{ connection: ops, by: [group:sre] }'), {})).toEqual([
      expect.objectContaining({ what: 'policy', state: 'wrong', found: expect.stringContaining('group:sre') }),
    ])
  })

  it('notes a policy that is only logged', async () => {
    const [finding] = await doctor('enforce: false\nrules: [{ name: a, deny: No }]', {})
    expect(finding).toMatchObject({ state: 'note', found: expect.stringContaining('only logged') })
  })
})
