import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { quoteForShell } from '../../../infra/project/shell-words.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { webhooks } from './webhooks.ts'

const folder = temporaryFolder()

/** Writes a policy, and returns its path. */
function policyFile(name: string, text: string): string {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, text)
  return file
}

describe('webhooks check', () => {
  it('refuses an invalid policy of the local runtime with its lines', async () => {
    const file = policyFile('invalid', 'rules:\n  - name: a\n    denny: No\n')
    const env = { WEBHOOKS_POLICY: file, WEBHOOKS_STATE: join(folder, 'none'), WEBHOOKS_PORT: '8788' }
    expect(await webhooks('check slo --local', { env })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/line 3: rules\.0\.denny is not a known field\. Did you mean "deny"\?/),
    })
  })
})

const rules = `timeZone: Europe/Vienna
approval: { connection: ops, waitAtMost: PT2H }
groups: { sre: [jane@example.com, U0BEN] }
rules:
  - name: production by day
    when: { actions: [ci-cd/*], connections: [prod-*], stages: [production] }
    only: { days: mon-fri, from: "08:00", to: "17:00" }
    otherwise: wait
    waitAtMost: P2D
  - name: large percentages
    when: { actions: [feature-flags/*], input: "percentage > \`10\`", callers: [bot], agents: true, projects: [shop], services: [cart] }
    deny: Ask the owners
  - name: year end
    when: { actions: [ci-cd/*, cicd/*], connections: [ci-cd/default, issue-ticketing/none] }
    freeze: [{ from: 2026-12-20, to: 2027-01-04, reason: Year-end closing }]
  - name: two
    when: { actions: [remediation/rollback] }
    approve: { count: 2, by: ["group:sre"], notRequester: true }
`

describe('webhooks policy check', () => {
  const env = { WEBHOOKS_STATE: join(folder, 'none'), WEBHOOKS_PORT: '8788' }
  const check = (line: string, more = {}) => webhooks(`policy check ${line}`, { env: { ...env, ...more } })

  it('warns of rules that restrict less than they seem to', async () => {
    const { code, out } = await check(`${quoteForShell(policyFile('rules', rules))} --local --json`)
    const { warnings, ...result } = JSON.parse(out)
    expect({ code, ...result }).toMatchObject({
      code: 1,
      enforce: true,
      rules: ['production by day', 'large percentages', 'year end', 'two'],
    })
    const other = 'that reach the same platforms: remediation/run-runbook, remediation/run-job, remediation/rollback'
    expect(warnings).toEqual(
      [
        ['production by day', expect.stringMatching(/^depends on stages, which the caller chooses/)],
        ['production by day', 'names connections that do not exist: prod-*'],
        ['production by day', `does not match other actions ${other}`],
        ['large percentages', expect.stringMatching(/^depends on projects, services, which the caller chooses/)],
        ['large percentages', expect.stringMatching(/^depends on the input, which the caller chooses/)],
        ['large percentages', 'does not match other actions that reach the same platforms: remediation/toggle-flag'],
        ['year end', 'names actions that do not exist: cicd/*', true],
        ['year end', 'names connections that do not exist: issue-ticketing/none'],
        ['year end', `does not match other actions ${other}`],
        ['two', expect.stringMatching(/^does not match other actions that reach the same platforms: ci-cd/)],
      ].map(([rule, warning, isError]) => ({ rule, warning, ...(isError ? { isError } : {}) })),
    )
  })

  it('prints each rule as a sentence, and a line for each rule and kind of warning', async () => {
    const file = policyFile(
      'evadable',
      `rules:
  - { name: agents, when: { actions: [feature-flags/*, remediation/*, ci-cd/*, incident-management/run-*], callers: [agent-*, bot-*, nightly, "*"] }, deny: No }
  - { name: one flag, when: { actions: [feature-flags/set-flag] }, deny: No }
  - { name: deployments, when: { actions: [ci-cd/trigger-deployment] }, deny: No }
  - { name: stops, when: { actions: [ci-cd/cancel] }, deny: No }
  - { name: tickets, when: { actions: [issue-ticketing/open-issue] }, deny: No }
  - { name: turns, oneAtATime: { per: "{connection}/{stage}/{service}" } }
  - { name: all, deny: No }
`,
    )
    const { code, out } = await check(`${quoteForShell(file)} --local`)
    const [, ...lines] = out.trimEnd().split('\n')
    expect(lines[1]).toBe('  one flag: Calls of feature-flags/set-flag are refused: No.')
    expect({ code, lines: lines.filter((line) => line.startsWith('Warning')) }).toEqual({
      code: 0,
      lines: [
        'Warning: the rule "agents" depends on how callers are named: a caller whose name does not match agent-*, bot-* avoids the rule. For agents, use agents: true.',
        'Warning: the rule "one flag" does not match other actions that reach the same platforms: feature-flags/set-flags, remediation/toggle-flag',
        'Warning: the rule "deployments" does not match other actions that reach the same platforms: ci-cd/trigger-build, remediation/run-runbook, remediation/run-job, remediation/rollback',
        'Warning: the rule "stops" does not match other actions that reach the same platforms: remediation/stop-runbook',
        'Warning: the rule "turns" lets calls wait for their stage and service, which the caller chooses: a call that names another one does not wait.',
      ],
    })
  })

  it('fails for a rule whose actions do not exist, and says so', async () => {
    const text = 'rules: [{ name: ask, when: { actions: [notification/request-approval, ci-cd/*] }, deny: No }]'
    expect(await check(`${quoteForShell(policyFile('typo', text))} --local`)).toMatchObject({
      code: 1,
      out: expect.stringContaining(
        'Error: the rule "ask" names actions that do not exist: notification/request-approval\n',
      ),
    })
  })

  it('does not need access to the secrets', async () => {
    const { code, out, err } = await check(
      quoteForShell(policyFile('no-access', 'enforce: false\nrules: [{ name: a, deny: No }]\n')),
    )
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringContaining('no-access.yaml is valid: 1 rule, only logged (enforce: false).\n'),
    })
    expect(err).toContain('The connections are not checked: No AWS region is configured.')
  })

  it('lists all errors with their lines', async () => {
    const file = policyFile(
      'errors',
      'rules:\n  - name: a\n    only: { from: 8 }\n  - { name: b, when: { action: [x] }, deny: No }\n',
    )
    expect(await check(quoteForShell(file))).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /line 3: rules\.0\.only\.from .*\n.*line 4: rules\.1\.when\.action .*Did you mean "actions"/,
      ),
    })
  })

  it('reads the policy of the local runtime, and says where it looks for one', async () => {
    expect(await check('--local', { WEBHOOKS_POLICY: policyFile('local', 'rules: []') })).toMatchObject({
      code: 0,
      out: expect.stringContaining('local.yaml is valid: 0 rules.'),
    })
    expect(await check('--local')).toMatchObject({ code: 2, err: expect.stringContaining('set WEBHOOKS_POLICY') })
  })
})

describe('webhooks policy test', () => {
  const file = quoteForShell(policyFile('tested', rules))
  const test = (line: string) => webhooks(`policy test ${line} --file ${file}`)
  const flag = 'feature-flags/set-flag --caller bot --agent'

  it.each([
    [
      'ci-cd/trigger-deployment --connection prod-eu --at 2026-12-07T07:00Z',
      0,
      /production by day +wait +open until Monday, 2026-12-07 17:00 Europe.Vienna\n\nThe action starts at once\./,
    ],
    [
      'ci-cd/trigger-deployment --connection prod-eu --at 2026-12-06T12:00Z',
      0,
      /waits until Monday, 2026-12-07 08:00 Europe.Vienna\. A silent call is refused with 422/,
    ],
    [
      'ci-cd/trigger-deployment --connection prod-eu --at 2026-12-04T17:00+01:00',
      1,
      /waits for 2 d, and then ends as fail/,
    ],
    ['ci-cd/trigger-deployment --connection prod-eu --stage test', 0, /^No rule matches\.\nThe action starts at once/],
    [
      'ci-cd/trigger-deployment --at 2026-12-24T02:30+01:00',
      1,
      /year end +refuse +closed until Tuesday, 2027-01-05 00:00 Europe.Vienna \(Year-end closing\)\n\nThe rule "year end" refuses the call with 422/,
    ],
    ['ci-cd/cancel-run --at 2026-12-24T02:30+01:00', 0, /^No rule matches/],
    [
      `${flag} --input '{"percentage": 11}'`,
      1,
      /large percentages +deny +Ask the owners\n\nThe rule "large percentages" refuses the call with 403/,
    ],
    [`${flag} --input '{"percentage": 10}'`, 0, /^No rule matches/],
    [`${flag} --project shop --service cart`, 1, /403/],
    [`${flag} --project other`, 0, /^No rule matches/],
    [`${flag} --service other`, 0, /^No rule matches/],
    ['feature-flags/set-flag --caller bot', 0, /^No rule matches/],
    [
      'feature-flags/set-flag --agent',
      0,
      /^No rule matches\.\nThe task of an interactive call asks people \(1 of the people in the channel\), and waits for at most 2 h\. A silent call/,
    ],
    ['feature-flags/set-flag --agent --writes allow', 0, /The action starts at once/],
    ['notification/ask-approval --writes deny', 1, /The entry of the caller refuses the call with 403/],
    ['ci-cd/cancel-run --writes deny', 0, /The action starts at once/],
    ['feature-flags/set-flag --writes deny', 1, /The entry of the caller refuses the call with 403/],
    [
      'remediation/rollback --owner jane@example.com',
      0,
      /two +approve +2 of jane@example\.com, U0BEN, not the requester\n\nThe task of an interactive call asks people/,
    ],
    ['remediation/rollback', 1, /because the requester is not known: the caller needs owners/],
  ])('%s: exits with %i', async (line, code, out) => {
    expect(await test(line)).toEqual({ code, out: expect.stringMatching(out), err: '' })
  })

  describe('--cases', () => {
    const cases = (name: string, text: string, more = `--file ${file}`) =>
      webhooks(`policy test --cases ${quoteForShell(policyFile(name, text))} ${more}`)
    const passing = `
  - { name: by day, call: ci-cd/trigger-build, connection: prod-eu, expect: starts, rules: [production by day] }
  - { name: at night, call: ci-cd/trigger-build, connection: prod-eu, at: "2026-12-06T12:00Z", expect: waits }
  - { name: elsewhere, call: ci-cd/trigger-build, connection: prod-eu, stage: test, expect: starts, rules: [] }
  - { name: owner, call: remediation/rollback, owners: [jane@example.com], expect: asks }
  - { name: an agent, call: feature-flags/set-flag, caller: bot, agent: true, input: { percentage: 11 }, expect: denied }
`
    it('passes if what is expected happens to each call', async () => {
      expect(await cases('passing', `at: "2026-12-07T07:00Z"\ncases:${passing}`)).toEqual({
        code: 0,
        out: 'All cases passed: 5.\n',
        err: '',
      })
    })

    it('fails with a table of the differences', async () => {
      const failing = `${passing}
  - { name: wrong result, call: ci-cd/trigger-build, connection: prod-eu, expect: closed }
  - { name: wrong rules, call: ci-cd/trigger-build, connection: prod-eu, expect: starts, rules: [] }
`
      const text = `at: "2026-12-07T07:00Z"\ncases:${failing}`
      expect(await cases('failing', text)).toMatchObject({
        code: 1,
        out: expect.stringMatching(
          /^case +call +expected +actual\nwrong result +ci-cd.trigger-build +closed +starts\nwrong rules +ci-cd.trigger-build +starts: no rule +starts: production by day\n\n2 of 7 cases failed\.\n$/,
        ),
      })
      const { out } = await cases('failing', text, `--file ${file} --json`)
      expect(JSON.parse(out)).toMatchObject({ policyDigest: expect.stringMatching(/^[0-9a-f]{12}$/) })
      expect(JSON.parse(out).cases.filter(({ passed }: { passed: boolean }) => !passed)).toHaveLength(2)
    })

    it.each([
      ['cases: []', /line 1: at is required.*\n.*cases/],
      [
        'at: "2026-12-07"\ncases: [{ name: a, call: b, expect: passes }]',
        /at must be a time.*\n.*line 2: cases\.0\.expect/,
      ],
      ['at: "2026-12-07T07:00Z"\ncases: [{ name: a, call: ci-cd/deploy, expect: starts }]', /case "a": Unknown action/],
    ])('%j is refused', async (text, message) => {
      expect(await cases('invalid-cases', text)).toMatchObject({ code: 2, err: expect.stringMatching(message) })
    })

    it('needs a file or an action', async () => {
      expect(await test('')).toMatchObject({ code: 2, err: expect.stringContaining('Name an action') })
      expect(await test('ci-cd/trigger-build --cases a.yaml')).toMatchObject({ code: 2 })
    })
  })

  it('shows the effect of the action, which a provider may replace', async () => {
    const effects = quoteForShell(
      policyFile('effects', 'rules: [{ name: final, when: { effects: [irreversible] }, deny: Not now }]'),
    )
    const run = (line: string) => webhooks(`policy test notification/push-update ${line} --file ${effects}`)
    expect(await run('')).toMatchObject({
      code: 0,
      out: expect.stringContaining('The effect of notification/push-update: reversible.'),
    })
    expect(JSON.parse((await run('--provider aws-ses --json')).out)).toMatchObject({
      result: 'denied',
      actionEffect: 'irreversible',
    })
    expect(await run('--provider ses')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Unknown provider "ses". Providers: slack, '),
    })
  })

  it('shows the turn of a call, and what it lacks', async () => {
    const turns = quoteForShell(
      policyFile('turns', 'rules: [{ name: one, oneAtATime: { per: "{connection}/{service}" } }]'),
    )
    const run = (line: string) => webhooks(`policy test ci-cd/trigger-deployment ${line} --file ${turns}`)
    expect(await run('--service checkout')).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /one +turn +\{connection\}\/\{service\}\n\n.* when it has its turn for ci-cd\/default\/checkout\./,
      ),
    })
    expect(await run('')).toMatchObject({ code: 1, out: expect.stringContaining('"one" refuses the call with 400') })
  })

  it('prints JSON', async () => {
    const { out } = await test('ci-cd/trigger-deployment --connection prod-eu --at 2026-12-06T12:00Z --json')
    expect(JSON.parse(out)).toMatchObject({
      at: '2026-12-06T12:00:00.000Z',
      enforce: true,
      result: 'waits',
      startsAt: '2026-12-07T07:00:00.000Z',
      matched: [{ rule: 'production by day', effect: 'wait', isOpen: false, changesAt: '2026-12-07T07:00:00.000Z' }],
    })
  })

  it('exits with 0 if the policy is not enforced', async () => {
    const logged = quoteForShell(policyFile('logged', 'enforce: false\nrules: [{ name: a, deny: No }]'))
    expect(await webhooks(`policy test issue-ticketing/open-issue --file ${logged}`)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Only logged (enforce: false): The rule "a" refuses the call with 403.'),
    })
  })

  it.each([
    ['cicd/x', 'Did you mean "ci-cd"'],
    ['ci-cd/trigger-deployment --at 2026-12-24T02:30', 'offset from UTC'],
    ['ci-cd/trigger-deployment --input [1]', '--input must be a JSON object'],
    ['ci-cd/trigger-deployment --input x', '--input is not JSON'],
  ])('refuses "%s"', async (line, reason) => {
    expect(await test(line)).toMatchObject({ code: 2, err: expect.stringContaining(reason) })
  })
})
