import { expect, jest, test } from '@jest/globals'
import * as z from 'zod/mini'
import { readSecret as readCached } from '../../../shared/aws/deployment-secrets.ts'
import { secret } from '../../../shared/fields.ts'
import { clearSecrets, redact } from '../../../shared/redact.ts'
import { startOnce } from '../../functions/helpers.ts'
import { startSecrets } from '../../functions/secrets.ts'

const stored = new Map<string, string>()
startOnce(() => startSecrets(stored))

const schema = z.strictObject({ token: secret('The token') })
const path = 'connections/issue-ticketing/github'
const store = (text: string) => void stored.set(path, text)
const readSecret = <S extends z.ZodMiniObject>(path: string, schema: S) => readCached(path, schema, { fresh: true })

test('Secrets: the same text is validated once', async () => {
  const checked = jest.fn(() => true)
  const counting = z.object({ token: z.string() }).check(z.refine(checked))
  store('{"token":"the-first-one"}')
  const first = await readSecret(path, counting)
  expect(await readSecret(path, counting)).toBe(first)
  expect(checked).toHaveBeenCalledTimes(1)
})

test('Secrets: a changed secret is validated again, and its new values are masked', async () => {
  store('{"token":"before-the-change"}')
  expect(await readSecret(path, schema)).toEqual({ token: 'before-the-change' })
  store('{"token":"after-the-change"}')
  expect(await readSecret(path, schema)).toEqual({ token: 'after-the-change' })
  expect(redact('before-the-change, then after-the-change')).toBe('***, then ***')
})

test('Secrets: a cached secret is masked in every invocation that reads it, and in no other', async () => {
  store('{"token":"read-by-an-earlier-one"}')
  await readSecret(path, schema)
  clearSecrets()
  expect(redact('read-by-an-earlier-one')).toBe('read-by-an-earlier-one')
  await readSecret(path, schema)
  expect(redact('read-by-an-earlier-one')).toBe('***')
})

test('Secrets: a secret is validated against the schema of each reader', async () => {
  store('{"token":"a-loose-token","project":"shop"}')
  const loose = z.looseObject({ token: z.string() })
  expect(await readSecret(path, loose)).toEqual({ token: 'a-loose-token', project: 'shop' })
  const message = expect.stringContaining('project is not a known field')
  await expect(readSecret(path, schema)).rejects.toMatchObject({ kind: 'misconfigured', message })
})

test('Secrets: an invalid secret fails every time, and a corrected secret is used', async () => {
  store('{"token":12}')
  for (let n = 0; n < 2; n++) await expect(readSecret(path, schema)).rejects.toThrow('token must be text')
  store('{"token"')
  await expect(readSecret(path, schema)).rejects.toThrow(`cloud-automation-webhooks/${path} is not valid JSON`)
  store('{"token":"a-corrected-token"}')
  expect(await readSecret(path, schema)).toEqual({ token: 'a-corrected-token' })
})
