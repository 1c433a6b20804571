import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { preview } from '../../../../infra/sandbox/keptn/preview.ts'
import type { GoObject } from '../../../../infra/sandbox/keptn/template/values.ts'
import { parseWebhookConfig, UnreadableConfigError } from '../../../../infra/sandbox/keptn/webhook-config.ts'
import { anyCharacter } from '../../../shared/text/any-character.ts'

interface Vector {
  name: string
  webhookYaml: string
  event: GoObject
  env?: Record<string, string>
  configError?: string
  results?: ({ argv: string[] } | { refused: string })[]
}

const fixture = new URL('../../../fixtures/webhook-service-vectors.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Vector[] }

describe('preview returns the same as webhook-service', () => {
  it.each(cases)('$name', ({ webhookYaml, event, env, configError, results }) => {
    const made = preview(webhookYaml, event, env)
    if (configError !== undefined) expect(made).toEqual({ configError })
    else expect('results' in made && made.results).toEqual(results)
  })
})

const type = 'sh.keptn.event.openticket.triggered'
const config = (request: object, webhook: object = {}): string =>
  JSON.stringify({
    apiVersion: 'webhookconfig.keptn.sh/v1beta1',
    kind: 'WebhookConfig',
    spec: {
      webhooks: [
        {
          type,
          subscriptionID: 's',
          requests: [{ method: 'POST', url: 'https://h.example/v1/x/y', ...request }],
          ...webhook,
        },
      ],
    },
  })
const place = { project: 'demo', stage: 'production', service: 'shop' }
const refusal = (request: object): unknown => {
  const made = preview(config(request), { type, data: place })
  return 'results' in made ? { results: made.results } : made
}

describe('a request', () => {
  it.each(['http://localhost:8080/x', 'http://127.0.0.1/x', 'http://[::1]/x', 'https://kubernetes.default/x'])(
    'to %s is refused',
    (url) => {
      expect(refusal({ url })).toMatchObject({
        results: [{ refused: expect.stringContaining('curl command contains denied URL') }],
      })
    },
  )

  it('with a form body transfers any text unchanged', () => {
    const payload = 'input.title={{with index .data "incident"}}{{urlquery .ProblemTitle}}{{end}}'
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.constantFrom(...'\'"$|;>&`\\ @%{}\n\r\t'),
            fc.string({ unit: anyCharacter, minLength: 1, maxLength: 1 }),
          ),
        }),
        (title) => {
          const event = { type, data: { ...place, incident: { ProblemTitle: title } } }
          const made = preview(config({ payload }), event)
          const argv = 'results' in made && made.results[0] && 'argv' in made.results[0] ? made.results[0].argv : []
          const form = new URLSearchParams(argv[argv.indexOf('--data') + 1])
          expect(form.get('input.title')).toBe(title.toWellFormed())
        },
      ),
      { numRuns: 500 },
    )
  })

  it('with any text is either run or rejected', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (payload, options, value) => {
        const made = preview(config({ payload, options }), { type, data: { ...place, value } })
        expect('results' in made && made.results).toHaveLength(1)
      }),
      { numRuns: 500 },
    )
  })

  it('panics like webhook-service if --data has no value', () => {
    expect(refusal({ url: 'https://h.example/ --data' })).toEqual({
      results: [{ refused: 'runtime error: index out of range [5] with length 5' }],
    })
  })
})

describe('a map of the event', () => {
  const event = { type, data: { ...place, queries: { checkout: 'rate(x[5m])' }, action: { value: { flag: 'on' } } } }
  const warningsOf = (payload: string) => {
    const made = preview(config({ payload }, { sendFinished: true }), event)
    return 'warnings' in made ? made.warnings.map(({ problem }) => problem) : made
  }

  it.each([
    ['a form', 'input.timeframe=5m&input.queries={{.data.queries}}', 'input.queries'],
    ['an encoded form', 'input.queries={{urlquery .data.queries}}', 'input.queries'],
    ['JSON', '{"input":{"queries":"{{.data.queries}}"}}', 'queries'],
  ])('is reported if %s sends it as text', (_, payload, field) => {
    expect(warningsOf(payload)).toEqual([`${field} is a map, and its template prints it as text (map[..]).`])
  })

  it.each([
    ['its values are sent', 'input.queries.checkout={{urlquery .data.queries.checkout}}'],
    ['a remediation accepts it', 'data.action.value={{urlquery .data.action.value}}'],
    ['a text mentions one', 'input.text=A%20map%5B..%5D%20is%20text'],
  ])('is not reported if %s', (_, payload) => {
    expect(warningsOf(payload)).toEqual([])
  })
})

describe('an event', () => {
  const rendered = (payload: string, event: GoObject): unknown => {
    const made = preview(config({ payload }), { type, data: place, ...event })
    const result = 'results' in made ? made.results[0] : undefined
    return result && 'argv' in result ? result.argv[result.argv.indexOf('--data') + 1] : (result ?? made)
  }

  it.each([
    ['2022-03-02T12:50:37.123456789123Z', '2022-03-02T12:50:37.123456789Z'],
    ['2022-03-02T12:50:37.000+00:00', '2022-03-02T12:50:37Z'],
    ['2022-03-02T12:50:37.5+02:00', '2022-03-02T12:50:37.5+02:00'],
  ])('with the time %s prints it as %s', (time, printed) => {
    expect(rendered('{{.time}}', { time })).toBe(printed)
  })

  it.each(['yesterday', '2022-02-30T00:00:00Z', '2022-03-02T24:00:00Z', 5])('with the time %s is dropped', (time) => {
    expect(rendered('x', { time })).toEqual({ dropped: expect.stringContaining('time') })
  })

  it('without required fields is dropped', () => {
    expect(rendered('x', { data: { project: 'demo' } })).toEqual({
      dropped: 'project, stage and service must be present in the event data (missing: data.stage, data.service)',
    })
  })

  it('can produce an argument of at most 131,071 bytes', () => {
    const title = 'a'.repeat(131_071)
    expect(rendered('{{.data.title}}', { data: { ...place, title } })).toHaveLength(131_071)
    expect(rendered('{{.data.title}}b', { data: { ...place, title } })).toEqual({
      refused: expect.stringContaining('argument list too long'),
    })
    const umlauts = 'ä'.repeat(22_000)
    expect(rendered('{{urlquery .data.title}}', { data: { ...place, title: umlauts } })).toHaveProperty('refused')
  })
})

describe('a URL', () => {
  it.each([
    ['https://{{.env.host}}/x', 'parse "https://{{.env.host}}/x": invalid character "{" in host name'],
    ['https://h:{{.data.n}}/', 'parse "https://h:{{.data.n}}/": invalid port ":{{.data.n}}" after host'],
    ['h.example.com/x', 'lookup : no such host'],
    ['h.example.com:443/x', 'lookup : no such host'],
    ['https://h.example.com/%zz', 'parse "https://h.example.com/%zz": invalid URL escape "%zz"'],
    ['https://h.example.com/x#%z', 'parse "https://h.example.com/x#%z": invalid URL escape "%z"'],
    [' https://h/x', 'parse " https://h/x": first path segment in URL cannot contain colon'],
    ['https://h/\tx', 'parse "https://h/\\tx": net/url: invalid control character in URL'],
    ['://h', 'parse "://h": missing protocol scheme'],
    ['https://[::2/x', 'parse "https://[::2/x": missing \']\' in host'],
    ['https://a b/x', 'parse "https://a b/x": invalid character " " in host name'],
    ['https://h%41/x', 'parse "https://h%41/x": invalid URL escape "%41"'],
  ])('%j is rejected with the message of Go', (url, refused) => {
    expect(refusal({ url })).toEqual({ results: [{ refused }] })
  })

  it.each(['https://u:p@h.example:8443/a{b}?c=%zz', 'https://[2001:db8::2]:443/x', 'https://h.example'])(
    '%s is accepted',
    (url) => {
      expect(refusal({ url })).toEqual({ results: [{ argv: expect.arrayContaining(['curl']) }] })
    },
  )
})

describe('a webhook configuration', () => {
  it('sends started and not finished by default', () => {
    expect(parseWebhookConfig(config({}))).toMatchObject([{ sendStarted: true, sendFinished: false }])
    expect(parseWebhookConfig(config({}, { sendStarted: false, sendFinished: 'yes' }))).toMatchObject([
      { sendStarted: false, sendFinished: true },
    ])
  })

  it('without webhooks or a type is rejected', () => {
    expect(preview('apiVersion: webhookconfig.keptn.sh/v1beta1', { type })).toEqual({
      configError: "Webhook configuration invalid: missing 'webhooks[]' part",
    })
    expect(preview(config({}, { type: '' }), { type })).toEqual({
      configError: "Webhook configuration invalid: missing 'webhooks[].Type' part",
    })
    expect(refusal({ method: '' })).toEqual({
      configError: 'Webhook configuration invalid: webhook request method empty',
    })
  })

  it.each(['a: [', '- a', 'spec: {webhooks: 5}', config({}, { sendFinished: 'maybe' })])(
    '%s cannot be read',
    (text) => {
      expect(() => parseWebhookConfig(text)).toThrow(UnreadableConfigError)
    },
  )
})
