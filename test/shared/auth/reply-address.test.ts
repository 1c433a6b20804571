import { randomBytes } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { openAddress, sealAddress } from '../../../shared/auth/reply-address.ts'
import { clearSecrets, redact } from '../../../shared/redact.ts'
import { startOnce } from '../../functions/helpers.ts'
import { startSecrets } from '../../functions/secrets.ts'

const stored = new Map<string, { key: string; previousKey?: string }>()
startOnce(() => startSecrets(stored))
const taskId = 'a'.repeat(40)
const address = 'https://n8n.example.com/webhook-waiting/231?signature=f3b1c0'
const keyOf = (letter: string) => letter.repeat(64)

let time = Date.now()
/** Stores a key, which a function reads as soon as it no longer uses the one that it has cached. */
const store = (key: string, previousKey?: string) =>
  void stored.set('callbacks', { key: keyOf(key), ...(previousKey ? { previousKey: keyOf(previousKey) } : {}) })
const expireCache = () => {
  time += 301_000
}

beforeAll(() => void jest.spyOn(Date, 'now').mockImplementation(() => time))
beforeEach(() => {
  clearSecrets()
  expireCache()
  store('k')
})

describe('A reply address', () => {
  it.each([
    ['an empty text', ''],
    ['a URL', address],
    ['text that is not ASCII', 'Grüße 🎉'],
    ['a long task token', randomBytes(2_048).toString('base64')],
  ])('survives encryption: %s', async (_, text) => {
    expect(await openAddress(taskId, await sealAddress(taskId, text))).toBe(text)
  })

  it('has one encrypted form per task, so that a repeated call is the same execution', async () => {
    expect(await sealAddress(taskId, address)).toBe(await sealAddress(taskId, address))
  })

  it('never reuses a nonce for another address or task', async () => {
    const nonce = async (task: string, text: string) => (await sealAddress(task, text)).slice(0, 16)
    const nonces = [nonce(taskId, address), nonce(taskId, `${address}0`), nonce('b'.repeat(40), address)]
    expect(new Set(await Promise.all(nonces)).size).toBe(3)
  })

  it('cannot be opened for another task', async () => {
    expect(await openAddress('b'.repeat(40), await sealAddress(taskId, address))).toBeUndefined()
  })

  it('cannot be opened after any change', async () => {
    const sealed = Buffer.from(await sealAddress(taskId, address), 'base64url')
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(sealed.readUInt8(at) ^ 1, at)
      expect(await openAddress(taskId, changed.toString('base64url'))).toBeUndefined()
    }
    for (const short of ['', 'AAAA', sealed.subarray(0, 20).toString('base64url')])
      expect(await openAddress(taskId, short)).toBeUndefined()
  })

  it('can be opened after the rotation of the key', async () => {
    const sealed = await sealAddress(taskId, address)
    store('n', 'k')
    expireCache()
    expect(await openAddress(taskId, sealed)).toBe(address)
    store('o', 'n')
    expireCache()
    expect(await openAddress(taskId, sealed)).toBeUndefined()
  })

  it('can be opened by a function that still caches the key before the rotation', async () => {
    store('n', 'k')
    const sealed = await sealAddress(taskId, address)
    store('k')
    expireCache()
    await sealAddress(taskId, address)
    store('n', 'k')
    expect(await openAddress(taskId, sealed)).toBe(address)
  })

  it('is masked as soon as it is encrypted or decrypted', async () => {
    const sealed = await sealAddress(taskId, address)
    expect(redact(`cannot reach ${address}`)).toBe('cannot reach ***')
    clearSecrets()
    await openAddress(taskId, sealed)
    expect(redact(`cannot reach ${address}`)).toBe('cannot reach ***')
  })

  it('without the key, fails with the name of the secret', async () => {
    stored.clear()
    await expect(sealAddress(taskId, address)).rejects.toMatchObject({
      kind: 'misconfigured',
      message: `There is no secret cloud-automation-webhooks/callbacks. Create it in Secrets Manager.`,
    })
  })
})
