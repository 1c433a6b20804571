import { expect, test } from '@jest/globals'
import { speedPart } from './speed.ts'

const init = (...rows: string[][]) => ({ title: 'Init', columns: ['handler', 'median', 'budget'], rows, notes: ['n'] })

test('missed targets are counted and listed', () => {
  const sizes = { ...init(['slo', '140 KB', '200 KB: within; 100 KB: over'], ['task', '224 KB', '']), title: 'Sizes' }
  const text = speedPart('today', [init(['slo', '26 ms', '20 ms: over'], ['ci-cd', '14 ms', '20 ms: within']), sizes])
  for (const row of [
    '| Init | 20 ms | 1 | 1 |',
    '| Sizes | 200 KB | 1 | 0 |',
    '| Sizes | 100 KB | 0 | 1 |',
    '| slo | 26 ms | 20 ms: over |',
    '| slo | 140 KB | 200 KB: within; 100 KB: over |',
  ])
    expect(text.split('\n')).toContain(row)
  expect(text).not.toContain('| ci-cd |')
  expect(text).toContain('today')
})

test('a report without missed targets says so', () => {
  expect(speedPart('today', [init(['ci-cd', '14 ms', '20 ms: within'])])).toContain('None falls short.')
})
