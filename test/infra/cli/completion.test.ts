import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { webhooks } from './webhooks.ts'

let script: string
beforeAll(async () => {
  script = (await webhooks(['completion', 'bash'])).out
})

/** Returns the words that bash offers for a line, whose last word is incomplete. */
async function offered(line: string): Promise<string[]> {
  const words = line.split(' ')
  const quoted = words.map((word) => `'${word}'`).join(' ')
  // compopt works during a completion only.
  const run = `compopt() { :; }; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _webhooks; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', `${script}\n${run}`])
  return stdout.split('\n').filter(Boolean)
}

describe('the completion of bash', () => {
  it.each([
    ['webhooks ta', ['tasks']],
    ['webhooks token cr', ['create']],
    ['webhooks tasks --fo', ['--follow']],
    ['webhooks tasks --state f', ['finished', 'failed']],
    ['webhooks tasks --category issue', ['issue-ticketing']],
    ['webhooks send issue-ticketing/op', ['issue-ticketing/open-issue']],
    ['webhooks send issue-ticketing/open-issue --mo', ['--mode']],
    ['webhooks connect ci', ['ci-cd/']],
    ['webhooks completion f', ['fish']],
  ])('%s', async (line, words) => {
    expect(await offered(line)).toEqual(words)
  })
})

it.each(['zsh', 'fish'])('the completion of %s has the commands, options and names', async (shell) => {
  const { code, out } = await webhooks(['completion', shell])
  expect(code).toBe(0)
  for (const word of ['tasks', 'token create', 'follow', 'issue-ticketing/open-issue', 'finished'])
    expect([shell, out]).toEqual([shell, expect.stringContaining(word)])
})
