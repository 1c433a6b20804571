import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { preview } from '../../../infra/keptn/preview.ts'
import type { GoObject } from '../../../infra/keptn/template/values.ts'

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
void fc
