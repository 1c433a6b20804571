import { expect, it } from '@jest/globals'
import { table } from '../../../infra/cli/terminal/output.ts'

it('a row of a table is one line, even if its cells have several', () => {
  const rows = [
    ['first\n\nInput:\r\n  {"a": 1}', '1'],
    ['second', '2'],
  ]
  expect(table(['QUESTION', 'AGE'], rows).split('\n')).toEqual([
    'QUESTION               AGE',
    'first Input: {"a": 1}  1',
    'second                 2',
  ])
})
