import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { withLogLines } from '../log-lines.ts'
import { type RunningProvider, startProvider } from '../platforms/openid-provider.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

const AUDIENCE = 'https://hooks.example.com'
const OPEN = 'open-ticket?connection=ticket'

let provider: RunningProvider

beforeEach(async () => {
  provider = await startProvider('deploy-of-acme', { repository: 'acme/shop' })
  const oidc = { issuer: provider.issuer, audience: AUDIENCE, claims: { repository: 'acme/*' } }
  lifecycle.replace('callers', { deploy: { oidc, categories: ['*'], orchestrator: 'keptn' } })
})
afterEach(stopProvider)

async function stopProvider(): Promise<void> {
  if (!provider.server.listening) return
  provider.server.closeAllConnections()
  provider.server.close()
  await once(provider.server, 'close')
}

/** Calls an action with a token, and returns the response and the lines of the log. */
async function post(target: string, token: string) {
  const { result, lines } = await withLogLines(() =>
    lifecycle.send('POST', target, {
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...triggered(), input: { title: 'Checkout is slow' } }),
    }),
  )
  expect(lines.join('\n')).not.toContain(token.split('.')[2])
  return { ...result, lines: lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)) }
}
const audited = (lines: Record<string, unknown>[]) => lines.filter(({ message }) => message === 'audit')

describe('A call with a token of an OpenID provider', () => {
  it('runs, and its audit record names the caller and the program', async () => {
    const { status, lines } = await post(OPEN, await provider.token(AUDIENCE))
    expect(status).toBe(200)
    expect(audited(lines)).toMatchObject([{ audit: 'call', caller: 'deploy', person: 'deploy-of-acme' }])
    expect(platform.tickets).toHaveLength(1)
  })

  it('starts a task, whose record names them, too, and so does that of its repetition', async () => {
    platform.failNext(400, {}, { on: 'POST' })
    const token = await provider.token(AUDIENCE)
    const payload = lifecycle.accepted(await post(`${OPEN}&mode=interactive`, token))
    const { lines } = await withLogLines(() => lifecycle.run(payload))
    expect(audited(lines.map((line) => JSON.parse(line)))).toMatchObject([
      { audit: 'task', caller: 'deploy', person: 'deploy-of-acme', outcome: 'errored' },
    ])
    const again = lifecycle.accepted(await post(`tasks/${payload.id}/rerun`, token))
    expect(again).toMatchObject({ rerunOf: payload.id, person: 'deploy-of-acme' })
  })

  it('of a person starts a task with the verified address, so that an operator who runs it again does not hide who has called', async () => {
    await stopProvider()
    provider = await startProvider('ada', { repository: 'acme/shop', email: 'ada@example.com', email_verified: true })
    const oidc = { issuer: provider.issuer, audience: AUDIENCE, claims: { repository: 'acme/*' } }
    lifecycle.replace('callers', { deploy: { oidc, categories: ['*'], orchestrator: 'keptn' } })
    const payload = lifecycle.accepted(await post(`${OPEN}&mode=interactive`, await provider.token(AUDIENCE)))
    expect(payload).toMatchObject({ person: 'ada@example.com', email: 'ada@example.com' })
  })

  it('that is refused has a line with the program, too', async () => {
    const { status, lines } = await post('unknown-action', await provider.token(AUDIENCE))
    expect(status).toBe(404)
    expect(audited(lines)).toMatchObject([{ outcome: 'rejected', caller: 'deploy', person: 'deploy-of-acme' }])
  })

  it('for another audience is refused with the reason', async () => {
    const { status, body } = await post(OPEN, await provider.token('https://other.example.com'))
    expect([status, body.detail]).toEqual([401, expect.stringContaining('its audience is https://other.example.com')])
    expect(platform.tickets).toEqual([])
  })

  it('is not verified after its sender has sent many forged ones', async () => {
    const [header, payload] = (await provider.token(AUDIENCE)).split('.')
    const forged = `${header}.${payload}.${Buffer.alloc(256).toString('base64url')}`
    const token = await provider.token(AUDIENCE)
    // Within one second, on any machine.
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now())
    expect((await post(OPEN, forged)).status).toBe(401)
    for (let n = 0; n < 10; n++) await post(OPEN, forged)
    const { status, body } = await post(OPEN, token)
    clock.mockRestore()
    expect([status, body.detail]).toEqual([429, expect.stringContaining('had a signature that is not valid')])
    expect(platform.tickets).toEqual([])
  })

  it('gets 503 while the provider is down, and the log names the URL and the error', async () => {
    const token = await provider.token(AUDIENCE)
    await stopProvider()
    const { status, lines } = await post(OPEN, token)
    expect(status).toBe(503)
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: 'host unavailable',
        reason: expect.stringContaining(`${provider.issuer}/.well-known/openid-configuration`),
        error: expect.objectContaining({ message: expect.stringContaining('ECONNREFUSED') }),
      }),
    )
    expect(platform.tickets).toEqual([])
  })
})
