import { describe, expect, it } from '@jest/globals'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { categories } from '../../../functions/index.ts'
import { openApi } from '../../../infra/openapi/document.ts'
import { parseQuery } from '../../../shared/core/webhook/call-options.ts'
import { json, outcomeResponse, problemResponse } from '../../../shared/core/webhook/responses.ts'
import { Failure } from '../../../shared/errors.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import { errored, passed } from '../../../shared/outcome.ts'
import { currentActions } from '../../../shared/providers/category.ts'
import { validate } from '../../../shared/validate.ts'

const document = openApi('https://api.example.com')
const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema({ $id: 'https://api.example.com/', ...document })

/** Returns true if a value matches a part of the document, else the errors. */
function matches(place: string, value: unknown): string | true {
  const check = ajv.getSchema(`https://api.example.com/#/${place}`)
  if (!check) throw new Error(`No schema at ${place}`)
  return check(value) ? true : ajv.errorsText(check.errors)
}

/** Returns the path of the schema of a request or a response. */
const place = (path: string, rest: string) => `paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${rest}`
const content = (path: string, rest: string, type = 'application~1json') =>
  place(path, `${rest}/content/${encodeURIComponent(type)}/schema`)

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const result = await validator.validate(JSON.parse(JSON.stringify(document)))
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  it('has no undefined references', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)
    const missing = references.filter(
      (path) =>
        path.split('/').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document) ===
        undefined,
    )
    expect(references.length).toBeGreaterThan(0)
    expect(missing).toEqual([])
  })

  it.each(
    categories.flatMap((category) =>
      currentActions(category).map(([action, { input }]) => ({ name: category.name, action, input })),
    ),
  )('says of $name/$action what its input must have, as the schema that checks it does', ({ name, action, input }) => {
    const nothing = matches(`components/schemas/${name}.${action}`, {})
    const refused = () => validate(input, {}, { what: 'input' })
    if (nothing === true) expect(refused).not.toThrow()
    else expect(refused).toThrow(Failure)
    expect(matches(`components/schemas/${name}.${action}`, { nothingLikeThis: 1 })).not.toBe(true)
  })

  it('has a different id for each operation, and keeps former names of actions as deprecated', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object))
    const ids = operations.map(({ operationId }) => operationId).filter((id) => id !== undefined)
    expect(ids).toEqual([...new Set(ids)])
    expect(document.paths['/ci-cd/cancel']).toMatchObject({ post: { deprecated: true } })
    expect(document.paths['/ci-cd/cancel-run']).not.toMatchObject({ post: { deprecated: true } })
  })

  it('accepts exactly the bodies that the API accepts', () => {
    const at = content('/issue-ticketing/open-issue', 'post/requestBody')
    const body = {
      id: 'an-id',
      type: 'sh.keptn.event.openticket.triggered',
      shkeptncontext: 'a-context',
      data: { project: 'demo', stage: 'dev', service: 'shop', labels: { a: 'b' }, openticket: { any: ['thing'] } },
      input: { title: 'Slow', labels: ['shop'], fields: { any: { thing: [1, null, true] } } },
      connection: 'jira',
    }
    expect(() => parseEvent(body)).not.toThrow()
    expect(matches(at, body)).toBe(true)
    expect(matches(at, { ...body, input: { titel: 'Slow' } })).not.toBe(true)
    expect(matches(at, { ...body, data: { project: 5 } })).not.toBe(true)
  })

  it('has all query parameters', () => {
    const { options } = parseQuery({}, 86_400)
    const { parameters } = document.components as unknown as {
      parameters: Record<string, { schema: { default?: unknown } }>
    }
    expect(Object.keys(parameters)).toEqual([...Object.keys(options), 'orchestrator', 'callbackUrl'])
    for (const [name, { schema }] of Object.entries(parameters))
      if (schema.default !== undefined) expect(options).toMatchObject({ [name]: schema.default })
  })

  it('describes the responses', () => {
    const path = '/issue-ticketing/open-issue'
    const done = JSON.parse(outcomeResponse(passed('Opened', { id: '1', url: 'https://a.example' }, { a: 'b' })).body)
    expect(matches(content(path, 'post/responses/200'), done)).toBe(true)
    expect(matches(content(path, 'post/responses/200'), { ...done, result: 'good' })).not.toBe(true)
    const taskId = 'a'.repeat(40)
    const accepted = { taskId, statusUrl: `https://a.example/v1/tasks/${taskId}`, duplicate: false }
    expect(matches(content(path, 'post/responses/202'), JSON.parse(json(202, accepted).body))).toBe(true)
    const now = new Date().toISOString()
    const status = {
      taskId,
      category: 'issue-ticketing',
      action: 'open-issue',
      state: 'finished',
      verdict: 'errored',
      progress: '',
      acceptedAt: now,
      deadlineAt: now,
      endedAt: now,
      outcome: errored(new Failure('refused', 'No')),
    }
    const tasks = content('/issue-ticketing/tasks/{taskId}', 'get/responses/200')
    expect(matches(tasks, JSON.parse(json(200, status).body))).toBe(true)
    expect(matches(tasks, { ...status, state: 'gone' })).not.toBe(true)
  })

  it.each([
    problemResponse(new Failure('invalid', 'Wrong', { errors: [{ path: 'input', message: 'wrong' }] }), '1'),
    problemResponse(new Failure('timeout', 'Late'), '1'),
    problemResponse(new Error('a bug'), '1'),
    outcomeResponse(errored(new Failure('refused', 'No'))),
  ])('describes the response to a failed call ($statusCode)', ({ statusCode, body, headers }) => {
    expect(document.paths['/ci-cd/cancel-run']?.['post']).toMatchObject({
      responses: { [statusCode]: { $ref: `#/components/responses/${statusCode}` } },
    })
    const type = headers['content-type']?.replace('/', '~1') ?? ''
    const at = `components/responses/${statusCode}/content/${encodeURIComponent(type)}/schema`
    expect(matches(at, JSON.parse(body))).toBe(true)
    expect(matches(at, { detail: 5 })).not.toBe(true)
  })
})
