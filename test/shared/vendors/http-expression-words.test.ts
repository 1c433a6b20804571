import { describe, expect, test } from '@jest/globals'
import { wordsIn } from '../../../shared/vendors/http/expression-words.ts'

describe('The words of an expression', () => {
  test.each<[string, string[], string[]?]>([
    ['input.title', ['input.title']],
    ['{title: input.title, "odd name": event."my label"}', ['input.title', 'event.my label']],
    ["[input.title, join('', [key || '', now])]", ['input.title', 'key', 'now'], ['join']],
    ["response.state=='closed' && !input.x", ['response.state', 'input.x']],
    ['response.items[0].id', ['response.items.id']],
    ['response.items[1:2].id | [0].name', ['response.items.id']],
    ['response.*.id', ['response']],
    ['response.items[?state==`1`].id', ['response.items']],
    ['response.items[?id].{id: ref} || key', ['response.items', 'key']],
    ['where(response.items, &params.ref, key)[0].{id: id}', ['response.items', 'key'], ['where']],
    ['response.{a: b, c: [d, e]}', ['response']],
    ["'a.b' || `{\"c\": 1}` || 'it\\'s input.x'", []],
    ['@.input.x', []],
    ['response | {id: id}', ['response']],
    ['max_by(response.builds, &number).{id: id}', ['response.builds'], ['max_by']],
  ])('%s', (expression, paths, functions = []) => {
    const words = wordsIn(expression)
    const expected = { paths, functions }
    expect({ paths: words.paths.map((path) => path.join('.')), functions: words.functions }).toEqual(expected)
  })
})
