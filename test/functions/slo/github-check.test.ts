import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { marked } from 'marked'
import { checkSummary } from '../../../functions/slo/github-check-summary.ts'
import { githubCheck } from '../../../functions/slo/providers/github-check.ts'
import { type GithubCommitsServer, startGithubCommits } from '../../../infra/platforms/github/commits-server.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'
import { anyMessage, hostile, evaluation as message } from '../notification/messages.ts'
import { evaluated, report } from './drive.ts'

let server: GithubCommitsServer
beforeEach(async () => {
  server = await startGithubCommits()
})
afterEach(() => server.close())

type Options = Parameters<typeof report>[3]

const ref = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
const project = 'octo-org/octo-repo'
const fields = (more: object = {}) => ({ baseUrl: server.url, token: server.appToken, ...more })
const tell = (options: Options = {}, more: object = {}) => report(githubCheck, fields(more), { project, ref }, options)
const bridge = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'

describe('a report', () => {
  test('is a check run with a table of the objectives', async () => {
    const url = `https://github.com/${project}/runs/4`
    expect(await tell()).toMatchObject({
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
        ...{ id: 4, head_sha: ref, name: 'slo/production/checkout', status: 'completed', conclusion: 'neutral' },
        ...{ external_id: keyOf(1), details_url: bridge, html_url: url },
        output: {
          title: 'Evaluation of checkout in shop/production ended with a warning (score 75)',
          summary: expect.stringContaining(`${summary}\n\n- Project: shop\n`),
        },
      },
    ])
    expect(server.state.checks[0]?.output.summary).toContain(`\n\n- [Open in the Bridge](${bridge})`)
  })

  test.each([
    ['pass', 'succeeded', 'success'],
    ['warning', 'succeeded', 'neutral'],
    ['fail', 'succeeded', 'failure'],
    ['fail', 'errored', 'failure'],
    ['pass', 'errored', 'failure'],
    ['warning', 'aborted', 'failure'],
  ])('of the result %s, status %s, is the conclusion %s', async (result, status, conclusion) => {
    await tell({ data: { result, status, evaluation: { ...evaluated, result } } })
    expect(server.state.checks[0]).toMatchObject({ conclusion })
  })

  test('whose answer is lost is made once', async () => {
    server.loseNext('POST')
    expect(await failureOf(tell())).toMatchObject({ transient: true, afterWrite: true })
    expect(await tell({ isRetry: true })).toMatchObject({ data: { id: '4' } })
    expect(server.state.checks).toHaveLength(1)
  })

  test('is found among many later ones of its name', async () => {
    await tell()
    for (let call = 2; call <= 120; call++) await tell({ key: keyOf(call) })
    expect(await tell({ isRetry: true })).toMatchObject({ data: { id: '4' } })
    expect(server.state.checks).toHaveLength(120)
  })

  test('that never arrived is made by its repeat', async () => {
    await tell({ isRetry: true })
    expect(server.calls.map(({ method }) => method)).toEqual(['GET', 'POST'])
    expect(server.state.checks).toHaveLength(1)
  })

  test('without an event id is one of its own', async () => {
    for (const isRetry of [false, true]) await tell({ key: undefined, isRetry })
    expect(server.state.checks.map(({ external_id }) => external_id)).toEqual(['', ''])
  })

  test('has the name that the connection gives', async () => {
    await tell({}, { name: 'Quality gate' })
    expect(server.state.checks[0]?.name).toBe('Quality gate')
  })
})

describe('GitHub', () => {
  test('that takes checks from Apps alone says what to do instead', async () => {
    const failure = await failureOf(tell({}, { token: server.token }))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toMatch(
      /You must authenticate via a GitHub App\. Checks are made with the token of an App .+ use github-status\.$/,
    )
    expect(failure.message).not.toContain(server.token)
  })

  test('is checked with what every token may ask', async () => {
    await githubCheck.check(clientOf(githubCheck, githubCheck.connection.parse(fields())))
    expect(server.calls.map(({ path }) => path)).toEqual(['/rate_limit'])
  })

  test('that refuses says why, and whose answer is a fault fails for now', async () => {
    const strange = report(githubCheck, fields(), { project, ref: ref.replace('6', '7') })
    expect(await failureOf(strange)).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('No commit found for SHA'),
    })
    server.failNext(502, { message: 'Server Error' })
    expect(await failureOf(tell())).toMatchObject({ kind: 'platform' })
    server.failNext(502, { message: 'Server Error' }, { on: 'GET' })
    expect(await failureOf(tell({ isRetry: true }))).toMatchObject({ kind: 'platform' })
    server.hang()
    expect(await failureOf(tell({ deadline: 50 }))).toMatchObject({ kind: 'timeout' })
    expect(server.state.checks).toEqual([])
  })

  test('is told of no commit without a SHA', async () => {
    expect(await failureOf(report(githubCheck, fields(), { project, ref: 'main' }))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('input.ref is no commit'),
    })
  })
})

describe('a summary', () => {
  const withText = (text: string) => ({
    ...message,
    text,
    fields: [{ name: text, value: text }],
    table: { columns: ['Objective', 'Value'], rows: [{ mood: 'good' as const, cells: [text, text] }] },
    links: [{ label: text, url: 'https://keptn.example.com/x?a=(1)&copy=[2]' }],
  })

  test.each(hostile.map((text) => [text.slice(0, 40), text]))('shows as text whatever is in it: %j', (_short, text) => {
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

  test('of whatever is told has room, and as many cells in each row', () => {
    const huge = '語@'.repeat(5_000)
    const rows = Array.from({ length: 60 }, () => ({ mood: 'bad' as const, cells: Array(6).fill(huge) as string[] }))
    const largest = {
      ...{ mood: 'bad' as const, title: huge, text: huge, table: { columns: Array(6).fill(huge) as string[], rows } },
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
