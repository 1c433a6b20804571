import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Ended, runInProcess } from '../../runner/in-process.ts'
import { apiToken, type FakeReceiver, type Reply, startReceiver } from './fake-receiver.ts'
import { callerToken } from './play.ts'

const main = fileURLToPath(new URL('../../../infra/cli/main.ts', import.meta.url))
const sequences = fileURLToPath(new URL('../../../infra/keptn/sequences/', import.meta.url))

/** Runs the CLI. `meanwhile` can interact with its process while it prints. */
function webhooks(args: string[], meanwhile?: (child: ChildProcess, out: string) => void): Promise<Ended> {
  if (!meanwhile) return runInProcess(main, args, { env: process.env })
  const child = spawn(process.execPath, ['--no-warnings', main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended: Ended = { code: null, out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    ended.out += chunk
    meanwhile(child, ended.out)
  })
  child.stderr.on('data', (chunk) => {
    ended.err += chunk
  })
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ ...ended, code }))
  })
}

describe('webhooks preview', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'preview-'))
    const type = 'sh.keptn.event.openticket.triggered'
    const place = { project: 'demo', stage: 'production', service: 'shop' }
    write('event.json', JSON.stringify({ type, id: 'abc', data: { title: 'a | b', ...place } }))
    write('dropped.json', JSON.stringify({ type, id: 'abc', data: { ...place, labels: { build: 7 } } }))
    write('other.json', JSON.stringify({ type: 'sh.keptn.event.other.triggered' }))
    write('broken.json', '{')
    write('broken.yaml', 'a: [')
    write('good.yaml', configOf('id={{urlquery .id}}&input.title={{urlquery .data.title}}'))
    write('bad.yaml', configOf('{{.data.title}}'))
    write('invalid.yaml', configOf('x').replace('POST', 'PATCH'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const file = (name: string): string => join(folder, name)
  const write = (name: string, text: string): void => writeFileSync(file(name), text)
  const configOf = (payload: string): string =>
    JSON.stringify({
      apiVersion: 'webhookconfig.keptn.sh/v1beta1',
      kind: 'WebhookConfig',
      spec: {
        webhooks: [
          {
            type: 'sh.keptn.event.openticket.triggered',
            subscriptionID: 's',
            sendFinished: true,
            requests: [
              {
                url: 'https://h.example/v1/issue-ticketing/open-issue?mode=silent',
                method: 'POST',
                headers: [{ key: 'Authorization', value: 'Bearer {{.env.token}}' }],
                payload,
              },
            ],
          },
        ],
      },
    })
  const run = (config: string, event: string, ...more: string[]): Promise<Ended> =>
    webhooks(['preview', file(config), '--event', file(event), '--env', 'token=s3cr3t', ...more])

  it('shows the curl command with masked secrets', async () => {
    const { code, out } = await run('good.yaml', 'event.json')
    expect(out).toContain("--data 'id=abc&input.title=a+%7C+b'")
    expect(out).toContain("--header 'Authorization: Bearer ***'")
    expect(out).not.toContain('s3cr3t')
    expect(code).toBe(0)
  })

  it('masks secrets that the template has escaped', async () => {
    write('escaped.yaml', configOf('a={{urlquery .env.key}}&b={{js .env.key}}&c={{.env.key}}'))
    const { out } = await run('escaped.yaml', 'event.json', '--env', 'key=/p\u00e4ss="x"')
    expect(out).toContain("--data 'a=***&b=***&c=***'")
  })

  it('prints the exact arguments as JSON', async () => {
    const { code, out } = await run('good.yaml', 'event.json', '--json')
    expect(JSON.parse(out)).toEqual({
      results: [{ argv: expect.arrayContaining(['Authorization: Bearer s3cr3t', '--fail-with-body']) }],
      warnings: [],
    })
    expect(code).toBe(0)
  })

  it('explains why a request would be rejected and exits with 1', async () => {
    const { code, out } = await run('bad.yaml', 'event.json')
    expect(out).toContain("refused: curl command contains denied character '|'")
    expect(out).toContain('Send a form body with each value through urlquery')
    expect(code).toBe(1)
  })

  it('explains why Keptn would reject the configuration and exits with 1', async () => {
    const { code, out } = await run('invalid.yaml', 'event.json', '--json')
    expect(JSON.parse(out)).toEqual({
      configError: 'Webhook configuration invalid: unsupported webhook request method',
    })
    expect(code).toBe(1)
  })

  it('warns on stderr about events that contradict the mode and exits with 0', async () => {
    const good = configOf('id={{urlquery .id}}')
    write('hangs.yaml', good.replace('"sendFinished":true', '"sendFinished":false'))
    const { code, out, err } = await run('hangs.yaml', 'event.json')
    expect(out).toContain('--data id=abc')
    expect(err).toContain(
      'warning: subscription s to sh.keptn.event.openticket.triggered: openticket.finished is never sent, so the sequence hangs.',
    )
    expect(code).toBe(0)
    const json = await run('hangs.yaml', 'event.json', '--json')
    expect(JSON.parse(json.out)).toMatchObject({ warnings: [{ subscriptionID: 's' }] })
  })

  it('reports that Keptn drops an invalid event and exits with 1', async () => {
    const { code, out } = await run('good.yaml', 'dropped.json')
    expect(out).toContain('Keptn drops this event: data.labels.build must be a text.')
    expect(out).toContain('Keptn calls no webhook')
    expect(code).toBe(1)
  })

  it.each([
    ['missing.yaml', 'event.json', 'Check the path.'],
    ['good.yaml', 'missing.json', 'Check the path.'],
    ['good.yaml', 'broken.json', 'is not JSON'],
    ['broken.yaml', 'event.json', 'the webhook configuration is not YAML'],
    ['good.yaml', 'other.json', 'has no subscription for sh.keptn.event.other.triggered'],
  ])('%s with %s exits with 2 and prints one line', async (config, event, sentence) => {
    const { code, err } = await run(config, event)
    expect(err).toContain(sentence)
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(code).toBe(2)
  })

  it('exits with 2 without an event', async () => {
    expect((await webhooks(['preview', file('good.yaml')])).code).toBe(2)
  })

  it('has a --help text', async () => {
    const { code, out } = await webhooks(['preview', '--help'])
    expect(out).toMatch(/--event <event\.json>[\s\S]*Example/)
    expect(code).toBe(0)
  })
})

describe('webhooks sequence', () => {
  let receiver: FakeReceiver
  afterEach(() => receiver?.close())

  const run = (args: string[], meanwhile?: (child: ChildProcess, out: string) => void): Promise<Ended> => {
    const keptn = ['--keptn-url', `${receiver.url}/keptn`, '--keptn-token', apiToken]
    return webhooks(['sequence', '--url', receiver.url, '--token', callerToken, ...keptn, ...args], meanwhile)
  }
  const accepted: Reply = {
    status: 202,
    body: { taskId: 't-1', statusUrl: 'https://h.example/v1/issue-ticketing/tasks/t-1' },
  }

  it('runs an included sequence and exits with 0 if it passes', async () => {
    receiver = await startReceiver((call) => {
      setTimeout(() => receiver.report(call, 'finished', { status: 'succeeded', result: 'pass' }), 10)
      return accepted
    })
    const { code, out, err } = await run(['incident'])
    expect(err).toBe('')
    expect(out).toMatch(/incident passed \(keptnContext [\da-f-]{36}\)\n$/)
    expect(out).not.toContain(callerToken)
    expect(receiver.calls[0]?.headers['authorization']).toBe(`Bearer ${callerToken}`)
    expect(code).toBe(0)
  })

  it('runs the sequence in a folder and exits with 1 if it does not pass', async () => {
    receiver = await startReceiver(() => ({ status: 500, body: 'out of order' }))
    const { code, out } = await run(['--file', join(sequences, 'incident')])
    expect(out).toContain('out of order')
    expect(out).toContain('incident did not pass')
    expect(code).toBe(1)
  })

  it('warns about a subscription whose events contradict its mode', async () => {
    receiver = await startReceiver(() => ({ status: 200 }))
    const folder = mkdtempSync(join(tmpdir(), 'sequence-'))
    cpSync(join(sequences, 'incident'), folder, { recursive: true })
    const file = join(folder, 'webhook.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('mode=interactive', 'mode=silent'))
    let pressed = false
    const { code, err } = await run(['--file', folder], (child, printed) => {
      if (pressed || !printed.includes('HTTP 200')) return
      pressed = true
      child.kill('SIGINT')
    })
    rmSync(folder, { recursive: true })
    expect(err).toContain('openticket.finished is never sent, so the sequence hangs.')
    expect(code).toBe(130)
  })

  it('lists the tasks that are still running at Ctrl-C and exits with 130', async () => {
    receiver = await startReceiver(() => accepted)
    let pressed = false
    const { code, out } = await run(['incident'], (child, printed) => {
      if (pressed || !printed.includes('HTTP 202')) return
      pressed = true
      child.kill('SIGINT')
    })
    expect(out).toContain('Interrupted. Still running:')
    expect(out).toContain('production openticket  task t-1  https://h.example/v1/issue-ticketing/tasks/t-1')
    expect(code).toBe(130)
  })

  it('lists the sequences with their stages and tasks', async () => {
    const { code, out } = await webhooks(['sequence', '--list'])
    expect(code).toBe(0)
    expect(out).toMatch(
      /^release +staging: deployment, test, evaluation; production: approval, deployment, evaluation$/m,
    )
    const listed = JSON.parse((await webhooks(['sequence', '--list', '--json'])).out)
    expect(listed).toContainEqual({ name: 'slo', stages: [{ stage: 'production', tasks: ['evaluation'] }] })
  })

  it('lists the sequences and exits with 2 for an unknown name', async () => {
    const { code, err } = await webhooks(['sequence', 'nope'])
    expect(err).toBe(
      'Unknown sequence "nope". Sequences: chaos, incident, optimization, release, remediation, slo, ticket.\n',
    )
    expect(code).toBe(2)
  })

  it.each([
    [['release', '--orchestrator', 'argo'], /^Unknown orchestrator "argo"\. .*Orchestrators: keptn, argo-rollouts, /],
    [['incident', '--orchestrator', 'callback'], /can play the sequence release only/],
    [['release', '--orchestrator', 'callback', '--url', 'https://example.com'], /Omit --url/],
  ])('%j exits with 2 and says what to change', async (args, message) => {
    const { code, err } = await webhooks(['sequence', ...args])
    expect([code, err]).toEqual([2, expect.stringMatching(message)])
  })

  it('exits with 2 if the receiver does not respond', async () => {
    receiver = await startReceiver(() => accepted)
    await receiver.close()
    const { code, err } = await run(['slo'])
    expect(err).toBe(`Cannot connect to ${receiver.url}. Run npm start, or pass --url.\n`)
    expect(code).toBe(2)
  })

  it('exits with 2 if the token of the Keptn API is invalid', async () => {
    receiver = await startReceiver(() => accepted)
    const { code, err } = await run(['slo', '--keptn-token', 'wrong'])
    expect(err).toMatch(/answered 401 to POST \/record; check --keptn-token\.\n$/)
    expect(code).toBe(2)
  })

  it('has a --help text', async () => {
    const { code, out } = await webhooks(['sequence', '--help'])
    expect(out.replace(/\s+/g, ' ')).toMatch(
      /chaos, incident, optimization, release, remediation, slo, ticket .*: keptn, argo-rollouts, .*--no-sandbox.*Examples/,
    )
    expect(code).toBe(0)
  })
})
