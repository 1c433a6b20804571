import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { callersSchema } from '../../../shared/auth/callers.ts'
import { startAws, type TestAws } from './aws.ts'
import { webhooks } from './webhooks.ts'

let aws: TestAws
beforeAll(async () => {
  aws = await startAws()
})
afterAll(() => aws.close())
beforeEach(() => aws.secrets.clear())

const token = (...args: string[]) => webhooks(['token', ...args], { env: aws.env })
const hashOf = (text: string) => `sha256:${createHash('sha256').update(text.trim()).digest('hex')}`
const callers = () => callersSchema.parse(JSON.parse(aws.secrets.get('cloud-automation-webhooks/callers') ?? '{}'))

describe('webhooks token create', () => {
  it('prints only the token to stdout and saves its hash', async () => {
    aws.secrets.set('cloud-automation-webhooks/orchestrators/keptn', '{}')
    const { code, out, err } = await token('create', 'keptn', '--orchestrator', 'keptn')
    expect(out).toMatch(/^[\w-]{43}\n$/)
    expect(callers()).toEqual({ keptn: { tokens: [hashOf(out)], categories: ['*'], orchestrator: 'keptn' } })
    expect(err).toBe('Created keptn in Secrets Manager (eu-west-1). Copy its token now; it is not shown again:\n')
    expect(code).toBe(0)
  })

  it('limits a caller to categories', async () => {
    await token('create', 'keptn')
    const { out, err } = await token('create', 'ci', '--categories', 'ci-cd,notification', '--json')
    const created = JSON.parse(out)
    expect(created).toEqual({
      token: expect.stringMatching(/^[\w-]{43}$/),
      hash: hashOf(created.token),
      caller: 'ci',
      tokens: [hashOf(created.token)],
      categories: ['ci-cd', 'notification'],
    })
    expect(err).toContain('reads the results of its interactive calls at their statusUrl')
    expect(Object.keys(callers())).toEqual(['keptn', 'ci'])
  })

  it('lets a caller read all tasks with --reads all', async () => {
    await token('create', 'on-call', '--reads', 'all')
    await token('create', 'keptn', '--reads', 'own')
    expect(callers()['on-call']?.reads).toBe('all')
    expect(callers()['keptn']).not.toHaveProperty('reads')
  })

  it('prints the token even if its orchestrator cannot be read', async () => {
    aws.secrets.set('cloud-automation-webhooks/orchestrators/keptn', 'not JSON')
    const { code, out, err } = await token('create', 'keptn', '--orchestrator', 'keptn')
    expect(callers()['keptn']?.tokens).toEqual([hashOf(out)])
    expect(err).toContain('Cannot read the orchestrator keptn: The secret')
    expect(code).toBe(0)
  })

  it('warns about an orchestrator that does not exist', async () => {
    const { code, err } = await token('create', 'keptn', '--orchestrator', 'prod')
    expect(err).toContain('The orchestrator prod does not exist yet. Run webhooks orchestrator add prod.')
    expect(code).toBe(0)
  })

  it('does not change an invalid secret', async () => {
    aws.secrets.set('cloud-automation-webhooks/callers', '{"keptn":{"tokens":["plain"],"categories":["*"]}}')
    const { code, err } = await token('create', 'ci')
    expect(err).toContain('The secret cloud-automation-webhooks/callers is not valid')
    expect(code).toBe(1)
    expect(aws.secrets.get('cloud-automation-webhooks/callers')).toContain('plain')
  })

  it('adds to the callers of the local runtime with --local', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'token-'))
    const { out } = await webhooks(['token', 'create', 'mine', '--local'], { cwd: folder })
    const secrets = JSON.parse(readFileSync(join(folder, '.webhooks', 'secrets.json'), 'utf8'))
    rmSync(folder, { recursive: true })
    const local = secrets['cloud-automation-webhooks/callers']
    expect(Object.keys(local)).toEqual(expect.arrayContaining(['demo', 'mine']))
    expect(local.mine.tokens).toEqual([hashOf(out)])
  })
})

describe('webhooks token rotate and revoke', () => {
  it('keep the latest old token valid until it is revoked', async () => {
    const first = hashOf((await token('create', 'keptn')).out)
    const second = hashOf((await token('rotate', 'keptn')).out)
    expect(callers()['keptn']?.tokens).toEqual([first, second])
    const rotated = await token('rotate', 'keptn')
    const third = hashOf(rotated.out)
    expect(callers()['keptn']?.tokens).toEqual([second, third])
    expect(rotated.err).toContain(`${second.slice(0, 19)}.. stays valid until you revoke it`)
    const { code, err } = await token('revoke', 'keptn', '--hash', `${second.slice(0, 19)}..`)
    expect(callers()['keptn']?.tokens).toEqual([third])
    expect(err).toContain('Until then, calls with a deleted token may succeed.')
    expect(code).toBe(0)
  })

  it('revoke all old tokens with --drop-old', async () => {
    await token('create', 'keptn', '--categories', 'ci-cd')
    const { out } = await token('rotate', 'keptn', '--drop-old')
    expect(callers()).toEqual({ keptn: { tokens: [hashOf(out)], categories: ['ci-cd'] } })
  })

  it('delete a caller with all its tokens', async () => {
    await token('create', 'keptn')
    await token('create', 'ci')
    const { out } = await token('revoke', 'keptn', '--json')
    expect(JSON.parse(out)).toMatchObject({ caller: 'keptn', left: [] })
    expect(Object.keys(callers())).toEqual(['ci'])
  })
})

describe('webhooks token list', () => {
  it('lists callers, their permissions and short hashes', async () => {
    const { out: created } = await token('create', 'keptn', '--orchestrator', 'keptn')
    const { out } = await token('list')
    expect(out).toMatch(/^caller +categories +orchestrator +reads +tokens\nkeptn +\* +keptn +own +sha256:/)
    expect(out).toContain(`${hashOf(created).slice(0, 19)}..`)
    expect(JSON.parse((await token('list', '--json')).out)).toEqual(callers())
  })
})
