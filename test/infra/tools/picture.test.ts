import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { drawPicture } from '../../../infra/tools/picture/draw.ts'
import { toTranscript } from '../../../infra/tools/picture/transcript.ts'

const root = join(import.meta.dirname, '../../..')
const picture = readFileSync(join(root, 'docs/images/demo.svg'), 'utf8')
const transcript = JSON.parse(readFileSync(join(root, 'test/golden/demo-agent.json'), 'utf8'))

test('The picture of the demo is what npm run demo:picture draws for the recorded run', () => {
  expect(picture).toBe(drawPicture('npx webhooks demo agent', transcript))
})

test('The picture of the demo is small, ends within 30 seconds, and loads and runs nothing', () => {
  expect(picture.length).toBeLessThan(60_000)
  const delays = [...picture.matchAll(/animation-delay:([\d.]+)s/g)].map(([, seconds]) => Number(seconds))
  expect(delays).toEqual(delays.toSorted((a, b) => a - b))
  expect(delays.at(-1)).toBeGreaterThan(20)
  expect(delays.at(-1)).toBeLessThan(30)
  expect(picture).not.toMatch(/<script|<image|<use|<foreignObject|href=|url\(|@import|@font-face|\son\w+=/)
})

test('The picture of the demo hides no line if motion is reduced, and has colors for dark pages', () => {
  const [, withMotion = ''] = /prefers-reduced-motion: no-preference\) \{ (.*) \}$/m.exec(picture) ?? []
  expect(withMotion).toBe('g { animation: appear 1ms both }')
  expect(picture.replace(withMotion, '').replace(/@keyframes.*/, '')).not.toMatch(
    /opacity|animation:|visibility|display/,
  )
  const colors = [...picture.matchAll(/(--\w+): #/g)].map(([, name]) => name)
  const half = colors.length / 2
  expect(colors.slice(half)).toEqual(colors.slice(0, half))
  expect(picture).toContain('@media (prefers-color-scheme: dark)')
})

test('The rows of a picture fit its width, break at spaces, and escape markup', () => {
  const text = `agent    says <b> & ${'word '.repeat(30)}${'x'.repeat(100)}`
  const drawn = drawPicture('run', [{ text, isAfterPause: false }])
  const rows = [...drawn.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)</g)].map(
    ([, x, row = '']) => [Number(x), row] as const,
  )
  const [, width = ''] = /viewBox="0 0 (\d+) /.exec(drawn) ?? []
  for (const [x, row] of rows.slice(2)) expect(x + row.replace(/&\w+;/g, '.').length * 8.5).toBeLessThan(Number(width))
  expect(rows.map(([, row]) => row).slice(1, 3)).toEqual([
    'agent',
    expect.stringMatching(/^says &lt;b&gt; &amp; word .* word$/),
  ])
  expect(rows.map(([, row]) => row).join('')).toContain('x'.repeat(100))
})

test('The transcripts of two runs differ only where the runs do', () => {
  const run = (port: number, id: string, time: string, afterMs: number) =>
    toTranscript([
      { text: `runtime  started at http://127.0.0.1:${port}`, afterMs },
      { text: `agent    gets remediation.${id.repeat(40)} until ${time} UTC, not ${'c'.repeat(40)}`, afterMs: 10 },
    ])
  const first = run(40_001, 'a', '2026-12-01 05:24', 2_000)
  expect(run(50_002, 'b', '2027-01-02 15:00', 9_000)).toEqual(first)
  expect(run(40_001, 'a', '2026-12-01 05:24', 200)).not.toEqual(first)
  expect(run(40_001, 'c', '2026-12-01 05:24', 2_000)).not.toEqual(first)
  expect(first[0]).toEqual({ text: 'runtime  started at http://127.0.0.1:8787', isAfterPause: true })
})
