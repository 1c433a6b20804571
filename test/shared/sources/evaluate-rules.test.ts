import { describe, expect, it } from '@jest/globals'
import { evaluateSourceRules } from '../../../shared/sources/evaluate-rules.ts'
import type { SourceTypeName } from '../../../shared/sources/load-source-type.ts'
import { readEvent } from '../../../shared/sources/read-notification.ts'
import type { AlertRule } from '../../../shared/sources/rules.ts'

/** Evaluates one rule on a body. */
async function evaluate(rule: Partial<AlertRule>, body: object, type: SourceTypeName = 'alertmanager') {
  const complete = { name: 'rule', source: 'alerts', call: 'issue-ticketing/open-issue', ...rule }
  const others: AlertRule[] = [{ name: 'other', source: 'others', call: 'issue-ticketing/open-issue' }]
  const notification = await readEvent({ type }, { 'x-kind': 'test' }, body)
  return evaluateSourceRules([...others, complete], { name: 'alerts', type }, notification)
}

const alert = (status: string, more: object = {}) => ({
  status,
  labels: { alertname: 'DiskFull', severity: 'critical' },
  annotations: {},
  startsAt: '2026-11-30T10:00:00Z',
  endsAt: '0001-01-01T00:00:00Z',
  fingerprint: 'f',
  ...more,
})
const body = (...alerts: object[]) => ({ version: '4', status: 'firing', alerts })
const closing = { closes: 'open', call: 'issue-ticketing/close-issue' }

describe('A rule', () => {
  it('makes a call for each alert that starts, with the input that it selects', async () => {
    const input = '{title: labels.alertname, description: annotations.text, kind: notification.headers."x-kind"}'
    const results = await evaluate({ input }, body(alert('firing'), alert('resolved', { fingerprint: 'g' })))
    expect(results).toEqual([
      expect.objectContaining({
        alert: 0,
        state: 'firing',
        // A field that the notification does not have is omitted.
        call: { rule: 'rule', input: { title: 'DiskFull', kind: 'test' } },
      }),
      expect.objectContaining({ alert: 1, state: 'resolved', reason: 'The alert is resolved, not firing.' }),
    ])
  })

  it('with closes makes a call for each alert that ends', async () => {
    const [first, second] = await evaluate(closing, body(alert('firing'), alert('resolved')))
    expect(first).toMatchObject({ state: 'firing', reason: 'The alert is firing, not resolved.' })
    expect(second).toMatchObject({ state: 'resolved', call: { input: {} } })
    expect(second?.key).toBe(first?.key)
  })

  it('decides with "on" alone, which must be true', async () => {
    const severe = { on: "labels.severity == 'critical' && status == 'firing'" }
    expect(await evaluate(severe, body(alert('firing')))).toMatchObject([{ call: { input: {} } }])
    expect(await evaluate(severe, body(alert('resolved')))).toMatchObject([{ reason: '"on" is false, not true.' }])
    expect(await evaluate({ on: 'labels.severity' }, body(alert('firing')))).toMatchObject([
      { reason: '"on" is a string, not true.' },
    ])
  })

  it('may select other alerts with another key', async () => {
    const rule = { each: 'items', key: 'id', on: 'isOpen' }
    const results = await evaluate(
      rule,
      {
        items: [
          { id: 1, isOpen: true },
          { id: 2, isOpen: false },
        ],
      },
      'http',
    )
    expect(results).toMatchObject([
      { alert: 0, key: '1', state: 'firing', call: { input: {} } },
      { alert: 1, key: '2', reason: '"on" is false, not true.' },
    ])
  })

  it('has its own alerts, even if a rule before it has the same key and another list', async () => {
    const rules = ['opened', 'broken'].map(
      (each): AlertRule => ({
        name: each,
        source: 'alerts',
        call: 'issue-ticketing/open-issue',
        each,
        key: 'id',
      }),
    )
    const notification = await readEvent({ type: 'http' }, {}, { opened: [{ id: 1 }], broken: [{ id: 2 }, { id: 3 }] })
    const results = await evaluateSourceRules(rules, { name: 'alerts', type: 'http' }, notification)
    expect(results.map(({ rule, key }) => [rule, key])).toEqual([
      ['opened', '1'],
      ['broken', '2'],
      ['broken', '3'],
    ])
  })

  it('has no problem with an alert without a key that it does not select', async () => {
    const rule = { key: 'incident.id', on: "type == 'incident'" }
    expect(await evaluate(rule, { type: 'ping' }, 'http')).toMatchObject([{ reason: '"on" is false, not true.' }])
    const [result] = await evaluate(rule, { type: 'incident' }, 'http')
    expect(result).toMatchObject({ isProblem: true, reason: expect.stringContaining('key') })
    expect(result?.call).toBeUndefined()
  })

  it.each([
    [
      'an expression that fails',
      { input: '{title: length(labels.number)}' },
      /rules\.1\.input cannot be evaluated: .*length\(\)/,
    ],
    ['an input of another type', { input: 'labels.alertname' }, /rules\.1\.input must return an object/],
    ['an input that is too large', { input: '{title: labels.text}' }, /rules\.1\.input returns 100\d+ bytes/],
    [
      'a group without a value',
      { group: { by: 'labels.service', max: 1, per: 60, input: '{}' } },
      /rules\.1\.group\.by must return a text/,
    ],
  ])('has a problem with %s, and shows no value', async (_what, rule, reason) => {
    const labels = { alertname: 'hunter2', text: 'x'.repeat(100_000), number: 7 }
    const [result] = await evaluate(rule, body(alert('firing', { labels })))
    expect(result).toMatchObject({ isProblem: true, reason: expect.stringMatching(reason) })
    expect(result?.call).toBeUndefined()
    expect(result?.reason).not.toContain('hunter2')
  })
})
