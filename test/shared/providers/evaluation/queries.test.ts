import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { fillPlaceholders, queriesField } from '../../../../shared/providers/evaluation/queries.ts'

const field = queriesField('Queries')
const p95 = { name: 'p95', query: 'up{job="a"}' }

describe('Queries', () => {
  const byName = { p95: p95.query }
  test.each([[byName], [[p95]], [JSON.stringify(byName)], [JSON.stringify([p95])]])('accept %j', (given) => {
    expect(z.parse(field, given)).toEqual([p95])
  })

  const invalid = ['up', '[', [{ name: '', query: 'up' }], { p95: '' }, { p95: 1 }, [{ ...p95, weight: 1 }]]
  test.each(invalid)('reject %j', (given) => {
    expect(z.safeParse(field, given).success).toBe(false)
  })
})

describe('A query', () => {
  const of = { project: 'shop', stage: 'production', service: 'checkout-v2.1', seconds: 300 }

  test('has the values of the event and the duration in its placeholders', () => {
    const query = 'rate(http{p="$PROJECT",s="$STAGE",v="$SERVICE"}[$DURATION_SECONDS]) > $OTHER'
    const expected = 'rate(http{p="shop",s="production",v="checkout-v2.1"}[300s]) > $OTHER'
    expect(fillPlaceholders({ name: 'a', query }, of).query).toBe(expected)
  })

  const names = ['a"} or vector(1) #', '', 'a b', '$PROJECT', '.*', 'a\nb', '../x']
  test.each(names)('rejects the service name %j', (service) => {
    const fill = () => fillPlaceholders({ name: 'p95', query: 'up{s="$SERVICE"}' }, { ...of, service })
    const rule = 'data.service must have only letters, digits, dots, - and _'
    expect(fill).toThrow(`${rule}, because the query of p95 contains $SERVICE`)
  })

  test('requires only the fields of its placeholders', () => {
    const expected = 'data.stage is required'
    expect(() => fillPlaceholders({ name: 'p95', query: '$STAGE' }, { ...of, stage: undefined })).toThrow(expected)
    expect(fillPlaceholders({ name: 'p95', query: 'up' }, { ...of, stage: undefined, service: '"' }).query).toBe('up')
  })
})
