import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { marked } from 'marked'
import { githubCheck } from '../../../../functions/slo/github-check/github-check.ts'
import { checkSummary } from '../../../../shared/vendors/clients/github-markdown.ts'
import { startGithubCommits } from '../../../platforms/github/commits-server.ts'
import { expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { anyMessage } from '../../notification/any-message.ts'
import { hostile, evaluation as message } from '../../notification/messages.ts'
import { playReports } from '../play.ts'

const ref = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
const project = 'octo-org/octo-repo'
const bridge = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'

const { server, push } = playReports(githubCheck, {
  inputs: ['project', 'ref'],
  start: startGithubCommits,
  connection: ({ url, appToken }) => ({ baseUrl: url, token: appToken }),
  input: { project, ref },
  visible: ({ state }) => state.checks.length,
  result: ({ state }) => state.checks[0]?.conclusion,
  results: [
    { result: 'pass', status: 'succeeded', shown: 'success' },
    { result: 'warning', status: 'succeeded', shown: 'neutral' },
    { result: 'fail', status: 'succeeded', shown: 'failure' },
    { result: 'fail', status: 'errored', shown: 'failure' },
    { result: 'pass', status: 'errored', shown: 'failure' },
    { result: 'warning', status: 'aborted', shown: 'failure' },
  ],
  refused: [{ input: { ref: 'main' }, message: 'input.ref must be a full SHA' }],
})

describe('GitHub check: a report', () => {
  test('is a check run with a table of the objectives', async () => {
    const url = `https://github.com/${project}/runs/4`
    expect(await push()).toMatchObject({
      message: expect.stringContaining('to GitHub: check slo/production/checkout of 6dcb09b, neutral'),
      data: { id: '4', url },
      links: { 'github report': url },
    })
    const summary = [
      '| Objective | Value | Target | Score |\n| --- | --- | --- | --- |',
      '| ⚠️ error\\_rate | 1\\.2 | \\< 1\\; warning \\< 2 | 0\\.5 |',
      '| ✅ Response time p95 \\(key\\) | 312\\.4 | \\<\\= 400 | 1 |',
    ].join('\n')
    expect(server.state.checks).toEqual([
      {
        id: 4,
        head_sha: ref,
        name: 'slo/production/checkout',
        status: 'completed',
        conclusion: 'neutral',
        external_id: keyOf(1),
        details_url: bridge,
        html_url: url,
        output: {
          title: 'Evaluation of checkout in shop/production ended with a warning (score 75)',
          summary: expect.stringContaining(`${summary}\n\n- Project: shop\n`),
        },
      },
    ])
    expect(server.state.checks[0]?.output.summary).toContain(`\n\n- [Open in the orchestrator](${bridge})`)
  })

  test('is found among many later ones with the same name', async () => {
    await push()
    const [first] = server.state.checks
    if (!first) throw new Error('The fake has no check')
    for (let at = 1; at < 120; at++)
      server.state.checks.push({ ...first, id: first.id + at, external_id: keyOf(at + 1) })
    expect(await push({ isRetry: true })).toMatchObject({ data: { id: '4' } })
    expect(server.state.checks).toHaveLength(120)
  })

  test('has an unknown outcome behind more than a thousand with the same name', async () => {
    await push()
    const [first] = server.state.checks
    if (!first) throw new Error('The fake has no check')
    for (let at = 1; at < 1_001; at++)
      server.state.checks.push({ ...first, id: first.id + at, external_id: `other-${at}` })
    await expectFailure(push({ isRetry: true }), { kind: 'unconfirmed', transient: false })
    expect(server.state.checks).toHaveLength(1_001)
  })

  test('uses the name of the connection', async () => {
    await push({ connection: { name: 'Quality gate' } })
    expect(server.state.checks[0]?.name).toBe('Quality gate')
  })
})

test('GitHub check: a refusal because the token is not of a GitHub App says what to do', async () => {
  const failure = await failureOf(push({ connection: { token: server.token } }))
  expect(failure).toMatchObject({ kind: 'refused' })
  expect(failure.message).toMatch(
    /You must authenticate via a GitHub App\. Use the token of a GitHub App .+ or the provider github-status\.$/,
  )
  expect(failure.message).not.toContain(server.token)
})

describe('GitHub check: the summary', () => {
  const withText = (text: string) => ({
    ...message,
    text,
    fields: [{ name: text, value: text }],
    table: { columns: ['Objective', 'Value'], rows: [{ mood: 'good' as const, cells: [text, text] }] },
    links: [{ label: text, url: 'https://keptn.example.com/x?a=(1)&copy=[2]' }],
  })

  test.each(hostile.map((text) => [text.slice(0, 40), text]))('shows malicious text as text: %j', (_short, text) => {
    const summary = checkSummary(withText(text))
    const seen = new Set<string>()
    const links: string[] = []
    marked.walkTokens(marked.lexer(summary, { gfm: true }), (token) => {
      seen.add(token.type)
      if (token.type === 'link') links.push(token['href'])
    })
    const ours = ['paragraph', 'table', 'list', 'list_item', 'link', 'text', 'escape', 'space']
    expect([...seen].filter((type) => !ours.includes(type))).toEqual([])
    expect(links).toEqual(['https://keptn.example.com/x?a=%281%29&copy=%5B2%5D'])
    expect(summary).not.toMatch(/[@#]\w/)
  })

  test('fits into a check run and has the same number of cells in each row', () => {
    const huge = '語@'.repeat(5_000)
    const rows = Array.from({ length: 60 }, () => ({ mood: 'bad' as const, cells: Array(6).fill(huge) as string[] }))
    const largest = {
      mood: 'bad' as const,
      title: huge,
      text: huge,
      table: { columns: Array(6).fill(huge) as string[], rows },
      fields: Array.from({ length: 40 }, () => ({ name: huge, value: huge })),
      links: Array.from({ length: 9 }, () => ({ label: huge, url: `https://x.example/${'a'.repeat(1_900)}` })),
    }
    expect(Buffer.byteLength(checkSummary(largest))).toBeLessThan(65_535)
    expect(checkSummary(largest)).toContain('\n\nand 35 more')
    fc.assert(
      fc.property(anyMessage, (any) => {
        const lines = checkSummary(any).split('\n')
        const widths = lines.filter((line) => line.startsWith('| ')).map((line) => line.match(/(?<!\\)\|/g)?.length)
        expect(new Set(widths).size).toBeLessThanOrEqual(1)
      }),
    )
  })
})
