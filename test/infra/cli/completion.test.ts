import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { webhooks } from './webhooks.ts'

/** The words that bash offers for a line, whose last word is incomplete. */
const completions: [line: string, words: string][] = [
  ['webhooks ta', 'tasks'],
  ['webhooks token cr', 'create'],
  ['webhooks tasks --fo', '--follow'],
  ['webhooks tasks --state f', 'finished failed'],
  ['webhooks tasks --category issue', 'issue-ticketing'],
  ['webhooks send issue-ticketing/op', 'issue-ticketing/open-issue'],
  ['webhooks send issue-ticketing/open-issue --mo', '--mode'],
  ['webhooks connect ci', 'ci-cd/'],
  ['webhooks policy te', 'test'],
  ['webhooks policy test issue-ticketing/op', 'issue-ticketing/open-issue'],
  ['webhooks completion f', 'fish'],
  ['webhooks audit --fo', '--format'],
  ['webhooks audit --format c', 'csv'],
]

describe('the completion of bash', () => {
  const offered = new Map<string, string>()
  beforeAll(async () => {
    const { out: script } = await webhooks('completion bash')
    const runs = completions.map(([line]) => {
      const words = line.split(' ')
      return `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _webhooks; echo "\${COMPREPLY[@]}"`
    })
    // compopt works during a completion only.
    const program = [script, 'compopt() { :; }', ...runs].join('\n')
    const { stdout } = await promisify(execFile)('bash', ['-c', program])
    for (const [at, words] of stdout.split('\n').entries()) offered.set(completions[at]?.[0] ?? '', words.trim())
  })

  it.each(completions)('%s: offers %s', (line, words) => {
    expect(offered.get(line)).toBe(words)
  })
})

it.each(['zsh', 'fish'])('the completion of %s has the commands, options and names', async (shell) => {
  const { code, out } = await webhooks(`completion ${shell}`)
  expect(code).toBe(0)
  for (const word of ['tasks', 'token create', 'follow', 'issue-ticketing/open-issue', 'finished'])
    expect([shell, out]).toEqual([shell, expect.stringContaining(word)])
})
