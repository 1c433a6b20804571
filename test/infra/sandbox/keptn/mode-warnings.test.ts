import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { checkModes } from '../../../../infra/sandbox/keptn/mode-warnings.ts'
import { loadSequence, sequenceNames } from '../../../../infra/sandbox/keptn/sequence-files.ts'
import { parseWebhookConfig, type Webhook } from '../../../../infra/sandbox/keptn/webhook-config.ts'

const webhook = (path: string, more: Partial<Webhook> = {}, payload = 'id={{urlquery .id}}'): Webhook => ({
  type: 'sh.keptn.event.openticket.triggered',
  subscriptionID: 's',
  sendStarted: true,
  sendFinished: false,
  envFrom: [],
  requests: [{ url: `https://h.example/prod${path}`, method: 'POST', headers: [], payload, options: '' }],
  ...more,
})
const problems = (...webhooks: Webhook[]): string[] => checkModes(webhooks).map(({ problem }) => problem)

const silent = '/v1/issue-ticketing/open-issue'
const interactive = `${silent}?mode=interactive`
const approval = { type: 'sh.keptn.event.approval.triggered', sendStarted: false }

const isHanging = 'openticket.finished is never sent, so the sequence hangs.'
const staysOpen = 'openticket.started is never sent, so the task stays open after openticket.finished.'

describe('checkModes', () => {
  it.each([
    ['silent without a finished event', webhook(silent), isHanging],
    ['silent by its mode without a finished event', webhook(`${silent}?mode=silent`), isHanging],
    [
      'interactive with a finished event of Keptn',
      webhook(interactive, { sendFinished: true }),
      'Keptn finishes the task with pass when the call is accepted, even if the task fails later.',
    ],
    ['interactive without a started event', webhook(interactive, { sendStarted: false }), staysOpen],
    ['silent without a started event', webhook(silent, { sendStarted: false, sendFinished: true }), staysOpen],
    [
      'interactive with two started events',
      webhook(`${interactive}&sendStarted=true`),
      'openticket.started is sent twice and openticket.finished once, so the sequence hangs.',
    ],
    [
      'an approval that Keptn starts twice',
      webhook('/v1/notification/ask-approval?mode=interactive', { ...approval, sendStarted: true }),
      'approval.started is sent twice and approval.finished once, so the sequence hangs.',
    ],
    [
      'a v1alpha1 command without a finished event',
      webhook('', { requests: [`curl -X POST 'https://h.example${silent}' -d a=b`] }),
      isHanging,
    ],
  ])('warns about %s', (_, config, problem) => {
    expect(problems(config)).toEqual([problem])
  })

  it.each(['slo/request-evaluation', 'remediation/run-runbook?mode=silent', 'remediation/run-action', 'ci-cd/cancel'])(
    'notes that Keptn loses the warning of a silent %s',
    (path) => {
      const config = webhook(`/v1/${path}`, { sendFinished: true })
      const problem = 'if the result is warning, Keptn finishes openticket with pass.'
      expect(checkModes([config])).toMatchObject([{ severity: 'note', problem }])
      expect(problems(webhook(`/v1/${path.split('?')[0]}?mode=interactive`))).toEqual([])
    },
  )

  it.each([
    ['silent', webhook(silent, { sendFinished: true })],
    ['a silent action that starts a job without waiting', webhook('/v1/ci-cd/trigger-build', { sendFinished: true })],
    ['a silent call of a category that this project does not have', webhook('/v1/x/toString', { sendFinished: true })],
    ['interactive', webhook(interactive)],
    [
      'interactive with a started event of the receiver',
      webhook(`${interactive}&sendStarted=true`, { sendStarted: false }),
    ],
    ['an approval with approval-service', webhook('/v1/notification/ask-approval?mode=interactive', approval)],
    [
      'an approval without approval-service',
      webhook('/v1/notification/ask-approval?mode=interactive&sendStarted=true', approval),
    ],
    ['a finished event', webhook(silent, { type: 'sh.keptn.event.openticket.finished' })],
    ['another API', webhook('/hooks/deploy')],
    ['a mode from the event', webhook(`${silent}?mode={{.data.mode}}`)],
    ['a file of v1alpha1 without our URL', webhook('', { requests: ['curl https://h.example/x'] })],
  ])('accepts %s', (_, config) => {
    expect(problems(config)).toEqual([])
  })

  it('warns about a duplicate interactive call', () => {
    const twice = [
      'its call duplicates another request: openticket.started is sent twice and openticket.finished once, so the sequence hangs.',
    ]
    expect(problems(webhook(interactive), webhook(interactive, { subscriptionID: 'other' }))).toEqual(twice)
    const [request] = webhook(interactive).requests
    expect(problems(webhook(interactive, { requests: [request ?? '', request ?? ''] }))).toEqual(twice)
  })

  it.each([
    ['another connection', webhook(`${interactive}&connection=jira`)],
    ['another action', webhook('/v1/incident-management/open-ticket?mode=interactive')],
    ['another payload', webhook(interactive, {}, 'id={{urlquery .id}}&input.title=a')],
    ['another task', webhook(interactive, { type: 'sh.keptn.event.notify.triggered' })],
  ])('accepts a second call that differs: %s', (_, other) => {
    expect(problems(webhook(interactive), other)).toEqual([])
  })

  it.each(sequenceNames())('accepts the sequence %s', (name) => {
    expect(checkModes(loadSequence(name).webhooks)).toEqual([])
  })

  const root = join(import.meta.dirname, '../../../..')
  const guides = [
    ...readdirSync(join(root, 'functions'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join('functions', name, 'README.md')),
    'README.md',
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ]
  it.each(guides)('accepts the webhook configurations in %s', (file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const configs = [...text.matchAll(/^```yaml\n(.*?)^```/gms)]
      .map(([, yaml = '']) => yaml)
      .filter((yaml) => yaml.includes('kind: WebhookConfig'))
    // A silent example of a call whose warning Keptn loses says so.
    const warnings = configs.flatMap((config) => checkModes(parseWebhookConfig(config)))
    expect(warnings.filter(({ severity }) => severity === 'wrong')).toEqual([])
  })
})
