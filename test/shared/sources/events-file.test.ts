import { describe, expect, it, test } from '@jest/globals'
import { parseEventsFile } from '../../../shared/sources/events-file.ts'

const categories = ['ci-cd', 'optimization']
const parse = (loaded: unknown) => parseEventsFile(loaded, categories)

describe('events.yaml', () => {
  test('declares sources', () => {
    const declared = {
      sources: {
        github: { type: 'github', wakes: ['ci-cd/github', 'ci-cd/prod_2'] },
        tests: { type: 'http', wakes: ['optimization/default'], run: 'data.id', ended: "state == 'done'" },
        alerts: { type: 'pagerduty' },
      },
    }
    expect(parse(declared)).toEqual({
      sources: { ...declared.sources, alerts: { type: 'pagerduty', wakes: [] } },
    })
  })

  test.each([undefined, null, {}, { sources: {} }])('may be %j', (loaded) => {
    expect(parse(loaded)).toEqual({ sources: {} })
  })

  it.each<[unknown, string]>([
    [[], 'events.yaml must be an object, such as {"sources": {..}}.'],
    [{ source: {} }, 'source is not a known field. Did you mean "sources"?'],
    [{ wakes: [] }, 'wakes is not a known field. Fields: sources, rules'],
    [{ sources: [] }, 'sources must be an object'],
    [{ sources: { GitHub: { type: 'github' } } }, 'must have 1 to 63 lower-case letters, digits and -'],
    [{ sources: { a: 'github' } }, 'sources.a must be an object'],
    [{ sources: { a: {} } }, 'sources.a.type is required: the type of the sender. Types: alertmanager, '],
    [
      { sources: { a: { type: 'githab' } } },
      'sources.a.type is not a type of source. Unknown type "githab". Did you mean "github"? Types: alertmanager, ',
    ],
    [{ sources: { a: { type: 'github', wake: [] } } }, 'sources.a.wake is not a known field. Did you mean "wakes"?'],
    [{ sources: { a: { type: 'github', secret: 'x' } } }, 'sources.a.secret is not a known field. Fields: type, wakes'],
    [{ sources: { a: { type: 'github', run: 'id' } } }, 'sources.a.run is not a known field. Fields: type, wakes'],
    [
      { sources: { a: { type: 'http', secret: 'x' } } },
      'sources.a.secret is not a known field. Fields: type, wakes, run, ended',
    ],
    [{ sources: { a: { type: 'github', wakes: 'ci-cd/github' } } }, 'sources.a.wakes must be a list, not text'],
    [
      { sources: { a: { type: 'github', wakes: ['github'] } } },
      'sources.a.wakes.0 must be <category>/<connection>, such as ci-cd/default',
    ],
    [
      { sources: { a: { type: 'github', wakes: ['ci-cd/a', 'cicd/github'] } } },
      'sources.a.wakes.1 must start with a category. Unknown category "cicd". Did you mean "ci-cd"? Categories: ci-cd, optimization.',
    ],
    [
      { sources: { a: { type: 'http', run: 'data.' } } },
      'sources.a.run must be a JMESPath expression, such as data.id',
    ],
  ])('with %j is refused', (loaded, message) => {
    expect(() => parse(loaded)).toThrow(message)
  })

  test('reports the errors of all sources', () => {
    const loaded = {
      sources: { a: { type: 'github', x: 1 }, b: { type: 'githab' }, c: { type: 'jira', wakes: ['x'] } },
    }
    expect(() => parse(loaded)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        errors: ['sources.a.x', 'sources.b.type', 'sources.c.wakes.0'].map((path) => expect.objectContaining({ path })),
      }),
    )
  })
})
