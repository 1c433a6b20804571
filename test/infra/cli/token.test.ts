import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../../infra/project/token-hash.ts'
import { callersSchema } from '../../../shared/auth/callers.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { webhooks } from './webhooks.ts'

const folder = temporaryFolder()
beforeEach(() => aws.reset())

const CALLERS = 'cloud-automation-webhooks/callers'
const token = (line: string) => webhooks(`token ${line}`, { env: aws.env })
const hashOf = (text: string) => tokenHash(text.trim())
const callers = () => callersSchema.parse(aws.stored('callers') ?? {})

describe('webhooks token create', () => {
  it('prints only the token to stdout and saves its hash', async () => {
    aws.store('orchestrators/keptn', {})
    const { out, ...ended } = await token('create keptn --orchestrator keptn')
    const err = 'Created keptn in Secrets Manager (eu-west-1). Copy its token now; it is not shown again:\n'
    expect({ out, ...ended }).toEqual({ code: 0, out: expect.stringMatching(/^[\w-]{43}\n$/), err })
    expect(callers()).toEqual({ keptn: { tokens: [hashOf(out)], categories: ['*'], orchestrator: 'keptn' } })
  })

  it('saves a token for verify, whose caller may only verify', async () => {
    const { out, err } = await token('create verify --for-verify')
    expect(aws.stored('verify')).toEqual({ token: out.trim() })
    expect(callers()).toEqual({ verify: { tokens: [hashOf(out)], categories: ['*'], allow: [] } })
    expect(err).toContain('Saved the token in the secret verify.')
    const rotated = await token('rotate verify --drop-old --for-verify')
    expect(aws.stored('verify')).toEqual({ token: rotated.out.trim() })
    expect(callers()['verify']?.tokens).toEqual([hashOf(rotated.out)])
  })

  it('creates an agent only if the policy says who approves its writes', async () => {
    const create = (name: string, policy?: string) => {
      const file = join(folder, `${name}.yaml`)
      if (policy !== undefined) writeFileSync(file, policy)
      const env = {
        WEBHOOKS_SECRETS: join(folder, `${name}.json`),
        ...(policy === undefined ? {} : { WEBHOOKS_POLICY: file }),
      }
      return webhooks(`token create ${name} --agent --categories slo --local`, { env })
    }
    expect(await create('without-policy')).toMatchObject({
      code: 2,
      err: expect.stringContaining('WEBHOOKS_POLICY names no policy, so there is no section approval'),
    })
    expect(await create('without-approval', 'rules: [{ name: a, deny: No }]\n')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/without-approval\.yaml has no section approval.*Add approval:/s),
    })
    const { code, out, err } = await create('bot', 'approval: { connection: ops }\nrules: []\n')
    expect(code).toBe(0)
    // It reads results with a tool.
    expect(err).not.toContain('statusUrl')
    const saved = JSON.parse(readFileSync(join(folder, 'bot.json'), 'utf8'))
    expect(saved[CALLERS]).toMatchObject({ bot: { tokens: [hashOf(out)], categories: ['slo'], agent: true } })
  })

  it('limits a caller to categories, and lets it read all tasks', async () => {
    await token('create keptn --reads own')
    const { out, err } = await token('create ci --categories ci-cd,notification --reads all --json')
    const created = JSON.parse(out)
    const hash = hashOf(created.token)
    expect(created).toEqual({
      token: expect.stringMatching(/^[\w-]{43}$/),
      hash,
      caller: 'ci',
      tokens: [hash],
      categories: ['ci-cd', 'notification'],
      reads: 'all',
    })
    expect(err).toContain('reads the results of its interactive calls at their statusUrl')
    expect(callers()).toMatchObject({ keptn: { categories: ['*'] }, ci: { tokens: [hash], reads: 'all' } })
    expect(callers()['keptn']).not.toHaveProperty('reads')
  })

  it.each([
    ['keptn', 'Cannot read the orchestrator keptn: The secret'],
    ['prod', 'The orchestrator prod does not exist yet. Run npx webhooks orchestrator add prod.'],
  ])('prints the token even if its orchestrator %s cannot be used', async (orchestrator, warning) => {
    aws.secrets.set('cloud-automation-webhooks/orchestrators/keptn', 'not JSON')
    const { code, out, err } = await token(`create keptn --orchestrator ${orchestrator}`)
    expect([code, err]).toEqual([0, expect.stringContaining(warning)])
    expect(callers()['keptn']?.tokens).toEqual([hashOf(out)])
  })

  it('does not change an invalid secret', async () => {
    const invalid = '{"keptn":{"tokens":["plain"],"categories":["*"]}}'
    aws.secrets.set(CALLERS, invalid)
    const err = expect.stringContaining(`The secret ${CALLERS} is not valid`)
    expect(await token('create ci')).toMatchObject({ code: 1, err })
    expect(aws.secrets.get(CALLERS)).toBe(invalid)
  })

  it('adds to the callers of the local runtime with --local', async () => {
    const { out } = await webhooks('token create mine --local', { cwd: folder })
    const local = JSON.parse(readFileSync(join(folder, '.webhooks', 'secrets.json'), 'utf8'))[CALLERS]
    expect(local).toMatchObject({ demo: {}, mine: { tokens: [hashOf(out)] } })
    // So that each action of the sandbox works without naming a connection.
    expect(local.mine.connections).toMatchObject({ 'incident-management/run-runbook': 'runbooks' })
    expect(local.mine.connections).toEqual(local.demo.connections)
  })
})

describe('webhooks token rotate and revoke', () => {
  it('keep the latest old token valid until it is revoked', async () => {
    const first = hashOf((await token('create keptn')).out)
    const second = hashOf((await token('rotate keptn')).out)
    expect(callers()['keptn']?.tokens).toEqual([first, second])
    const rotated = await token('rotate keptn')
    const third = hashOf(rotated.out)
    expect(callers()['keptn']?.tokens).toEqual([second, third])
    expect(rotated.err).toContain(`${second.slice(0, 19)}.. stays valid until you revoke it`)
    const err = expect.stringContaining('Until then, calls with a deleted token may succeed.')
    expect(await token(`revoke keptn --hash ${second.slice(0, 19)}..`)).toMatchObject({ code: 0, err })
    expect(callers()['keptn']?.tokens).toEqual([third])
  })

  it('revoke all old tokens with --drop-old', async () => {
    await token('create keptn --categories ci-cd')
    const { out } = await token('rotate keptn --drop-old')
    expect(callers()).toEqual({ keptn: { tokens: [hashOf(out)], categories: ['ci-cd'] } })
  })

  it('delete a caller with all its tokens', async () => {
    await token('create keptn')
    await token('create ci')
    const { out } = await token('revoke keptn --json')
    expect(JSON.parse(out)).toMatchObject({ caller: 'keptn', left: [] })
    expect(Object.keys(callers())).toEqual(['ci'])
  })
})

describe('webhooks token list', () => {
  it('lists callers, their permissions and short hashes', async () => {
    const { out: created } = await token('create keptn --orchestrator keptn')
    const { out } = await token('list')
    expect(out).toMatch(/^caller +categories +orchestrator +reads +tokens\nkeptn +\* +keptn +own +sha256:/)
    expect(out).toContain(`${hashOf(created).slice(0, 19)}..`)
    expect(JSON.parse((await token('list --json')).out)).toEqual(callers())
  })
})
