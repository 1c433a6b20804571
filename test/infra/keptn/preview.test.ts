import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { preview } from '../../../infra/keptn/preview.ts'
import type { GoObject } from '../../../infra/keptn/template/values.ts'
import { parseWebhookConfig, UnreadableConfigError } from '../../../infra/keptn/webhook-config.ts'

interface Vector {
  name: string
  webhookYaml: string
  event: GoObject
  env?: Record<string, string>
  configError?: string
  results?: ({ argv: string[] } | { refused: string })[]
}

const fixture = new URL('../../fixtures/webhook-service-vectors.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Vector[] }

describe("what Keptn's own webhook-service made of it", () => {
  it.each(cases)('$name', ({ webhookYaml, event, env, configError, results }) => {
    expect(preview(webhookYaml, event, env)).toEqual(configError === undefined ? { results } : { configError })
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
const refusal = (request: object, event: GoObject = {}): unknown => preview(config(request), { type, ...event })

describe('a request', () => {
  it.each(['http://localhost:8080/x', 'http://127.0.0.1/x', 'http://[::1]/x', 'https://kubernetes.default/x'])(
    'to %s is refused',
    (url) => {
      expect(refusal({ url })).toMatchObject({
        results: [{ refused: expect.stringContaining('curl command contains denied URL') }],
      })
    },
  )

  it('in a form body brings any text over as it is', () => {
    const payload = 'id={{urlquery .id}}&input.title={{with index .data "incident"}}{{urlquery .ProblemTitle}}{{end}}'
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.constantFrom(...'\'"$|;>&`\\ @%{}\n\r\t'),
            fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
          ),
        }),
        (title) => {
          const event = { type, id: title, data: { incident: { ProblemTitle: title } } }
          const made = preview(config({ payload }), event)
          const argv = 'results' in made && made.results[0] && 'argv' in made.results[0] ? made.results[0].argv : []
          const form = new URLSearchParams(argv[argv.indexOf('--data') + 1])
          expect(form.get('input.title')).toBe(title.toWellFormed())
          expect(form.get('id')).toBe(title.toWellFormed())
        },
      ),
      { numRuns: 500 },
    )
  })

  it('of any text is run or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (payload, options, value) => {
        const made = preview(config({ payload, options }), { type, data: { value } })
        expect('results' in made && made.results).toHaveLength(1)
      }),
      { numRuns: 500 },
    )
  })

  it('reads the value of --data past the end where there is none', () => {
    expect(refusal({ url: 'x --data' })).toEqual({
      results: [{ refused: 'runtime error: index out of range [5] with length 5' }],
    })
  })
})

describe('a webhook configuration', () => {
  it('sends started and not finished unless it says otherwise', () => {
    expect(parseWebhookConfig(config({}))).toMatchObject([{ sendStarted: true, sendFinished: false }])
    expect(parseWebhookConfig(config({}, { sendStarted: false, sendFinished: 'yes' }))).toMatchObject([
      { sendStarted: false, sendFinished: true },
    ])
  })

  it('without webhooks or a type is refused', () => {
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
