import { expect, test } from '@jest/globals'
import { fields, object } from './fields.ts'

test.each([
  ['id', { type: 'string' }],
  ['name:text1..9', { type: 'string', minLength: 1, maxLength: 9 }],
  ['tags:texts1..', { type: 'array', items: { type: 'string' }, minItems: 1 }],
  ['page:0..100', { type: 'integer', minimum: 0, maximum: 100 }],
  ['size:count', { type: 'integer', minimum: 0 }],
  ['since:time', { type: 'string', format: 'date-time' }],
  ['dry:flag', { type: 'boolean' }],
  ['sort:asc|desc', { enum: ['asc', 'desc'] }],
])('The field %s has a schema', (field, schema) => {
  expect(Object.values(fields(field))).toEqual([schema])
})

test('An object requires its marked fields', () => {
  expect(object('id! name', { tag: true })).toMatchObject({ required: ['id'], properties: { name: {}, tag: true } })
})

test('An invalid field is an error', () => {
  expect(() => fields('id  name')).toThrow('Invalid field ""')
})
