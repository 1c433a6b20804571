import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { toTranscript } from '../../infra/tools/picture/transcript.ts'
import { expectDemo } from './expect-demo.ts'

test('webhooks demo agent: an agent that loses its connection rolls back once, as the picture in the README shows', async () => {
  const lines = await expectDemo('agent', { verdict: 'pass', rollbacks: 1, auditRecords: 1 }, [
    'loses its connection',
    'words it differently, as "version 41": refused',
    'killed while the task waits',
    'Caller: incident-bot',
    'jane clicks Approve',
    'the same task and result',
  ])
  const printed = toTranscript(lines.map((text) => ({ text, afterMs: 0 }))).map(({ text }) => withoutSpaces(text))
  // With --json, the effects are the result.
  const shown = linesOfPicture().filter((line) => line !== '$npxwebhooksdemoagent' && !line.startsWith('Effects'))
  expect(shown).toEqual(printed.filter((line) => line !== ''))
})

/** Returns the lines in the picture. Its rows are parts of them. */
function linesOfPicture(): string[] {
  const picture = readFileSync(join(import.meta.dirname, '../../docs/images/demo.svg'), 'utf8')
  return [...picture.matchAll(/<g [^>]*>(.*?)<\/g>/gs)].map(([, rows = '']) => {
    const texts = [...rows.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text)
    return withoutSpaces(texts.join('').replaceAll('&quot;', '"'))
  })
}

function withoutSpaces(text: string): string {
  return text.replace(/\s/g, '')
}
