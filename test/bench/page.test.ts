import { expect, test } from '@jest/globals'
import { pageWith } from './page.ts'

const section = (title: string, value: string) => ({
  title,
  columns: ['what', 'ms'],
  rows: [['a', value]],
  notes: ['n'],
})

test('a section of the page is replaced, a new one is first, and the others stay', () => {
  const first = pageWith([section('Init', '1'), section('Synth', '2')], 'yesterday', '')
  const second = pageWith([section('Synth', '3'), section('Cold', '4')], 'today', first)
  expect(second.match(/^## .*$/gm)).toEqual(['## Cold', '## Init', '## Synth'])
  expect(second.match(/^\| a .*$/gm)).toEqual(['| a | 4 |', '| a | 1 |', '| a | 3 |'])
  expect(second.match(/^- Measured.*$/gm)).toEqual([
    '- Measured: today.',
    '- Measured: yesterday.',
    '- Measured: today.',
  ])
})
