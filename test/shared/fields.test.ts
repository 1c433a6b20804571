import { expect, test } from '@jest/globals'
import { url } from '../../shared/fields.ts'

const field = url('Base URL')

test.each(['https://acme.example', 'http://10.0.0.7:8080/base/'])('A URL field accepts %s', (text) => {
  expect(field.safeParse(text).success).toBe(true)
})

const withUser = ['https://jane@acme.example', 'https://jane:pw@acme.example', 'https://:pw@acme.example']
test.each(withUser)('A URL field rejects credentials: %s', (text) => {
  expect(field.safeParse(text).error?.issues[0]?.message).toBe('must not contain credentials: use separate fields')
})

const invalid = ['acme.example', 'ftp://acme.example', 'javascript:alert(1)', 'file:///etc/passwd', '']
test.each(invalid)('A URL field rejects "%s"', (text) => {
  expect(field.safeParse(text).success).toBe(false)
})
