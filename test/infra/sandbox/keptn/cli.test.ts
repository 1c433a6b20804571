import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { type Ended, spawnWebhooks, webhooks } from '../../cli/webhooks.ts'
import { apiToken, type FakeReceiver, type Reply, startReceiver } from './fake-receiver.ts'
import { callerToken } from './play.ts'

const folder = temporaryFolder()
const sequences = join(import.meta.dirname, '../../../../infra/sandbox/keptn/sequences')

describe('webhooks preview', () => {
  const type = 'sh.keptn.event.openticket.triggered'
  beforeAll(() => {
    const place = { project: 'demo', stage: 'production', service: 'shop' }
    write('event.json', JSON.stringify({ type, id: 'abc', data: { title: 'a | b', ...place } }))
    write('dropped.json', JSON.stringify({ type, id: 'abc', data: { ...place, labels: { build: 7 } } }))
    write('other.json', JSON.stringify({ type: 'sh.keptn.event.other.triggered' }))
    write('broken.json', '{')
    write('broken.yaml', 'a: [')
    write('good.yaml', configOf('id={{urlquery .id}}&input.title={{urlquery .data.title}}'))
    write('bad.yaml', configOf('{{.data.title}}'))
    write('object.yaml', configOf('{{with index .data "title"}}{{index . "text"}}{{end}}'))
    write('invalid.yaml', configOf('x').replace('POST', 'PATCH'))
  })

  const file = (name: string): string => join(folder, name)
  const write = (name: string, text: string): void => writeFileSync(file(name), text)
  const configOf = (payload: string): string => {
    const url = 'https://h.example/v1/issue-ticketing/open-issue?mode=silent'
    const headers = [{ key: 'Authorization', value: 'Bearer {{.env.token}}' }]
    const subscription = { type, subscriptionID: 's', sendFinished: true }
    const webhooks = [{ ...subscription, requests: [{ url, method: 'POST', headers, payload }] }]
    return JSON.stringify({ apiVersion: 'webhookconfig.keptn.sh/v1beta1', kind: 'WebhookConfig', spec: { webhooks } })
  }
  const run = (config: string, event: string, ...more: string[]): Promise<Ended> =>
    webhooks(['preview', file(config), '--event', file(event), '--env', 'token=s3cr3t', ...more])

  it('shows the curl command with masked secrets', async () => {
    const { code, out } = await run('good.yaml', 'event.json')
    expect([code, out]).toEqual([0, expect.stringContaining("--data 'id=abc&input.title=a+%7C+b'")])
    expect(out).toContain("--header 'Authorization: Bearer ***'")
    expect(out).not.toContain('s3cr3t')
  })

  it('masks secrets that the template has escaped', async () => {
    write('escaped.yaml', configOf('a={{urlquery .env.key}}&b={{js .env.key}}&c={{.env.key}}'))
    const { out } = await run('escaped.yaml', 'event.json', '--env', 'key=/p\u00e4ss="x"')
    expect(out).toContain("--data 'a=***&b=***&c=***'")
  })

  it('prints the exact arguments, or the error of the configuration, as JSON', async () => {
    const parsed = async (config: string) => {
      const { code, out } = await run(config, 'event.json', '--json')
      return [code, JSON.parse(out)]
    }
    const argv = expect.arrayContaining(['Authorization: Bearer s3cr3t', '--fail-with-body'])
    expect(await parsed('good.yaml')).toEqual([0, { results: [{ argv }], warnings: [] }])
    const configError = 'Webhook configuration invalid: unsupported webhook request method'
    expect(await parsed('invalid.yaml')).toEqual([1, { configError }])
  })

  it.each([
    ['a request would be rejected', 'bad.yaml', 'event.json', "refused: curl command contains denied character '|'"],
    ['which request to send instead', 'bad.yaml', 'event.json', 'Send a form body with each value through urlquery'],
    ['a part of the event is not an object', 'object.yaml', 'event.json', 'but the template needs an object'],
    ['Keptn drops an invalid event', 'good.yaml', 'dropped.json', 'this event: data.labels.build must be a text.'],
    ['Keptn calls no webhook then', 'good.yaml', 'dropped.json', 'Keptn calls no webhook'],
    [
      'Keptn would reject the configuration',
      'invalid.yaml',
      'event.json',
      'Webhook configuration invalid: unsupported webhook request method',
    ],
  ])('exits with 1 and says why: %s', async (_, config, event, why) => {
    expect(await run(config, event)).toMatchObject({ code: 1, out: expect.stringContaining(why) })
  })

  it('warns on stderr about events that contradict the mode and exits with 0', async () => {
    const good = configOf('id={{urlquery .id}}')
    write('hangs.yaml', good.replace('"sendFinished":true', '"sendFinished":false'))
    const { code, out, err } = await run('hangs.yaml', 'event.json')
    expect([code, out]).toEqual([0, expect.stringContaining('--data id=abc')])
    const problem = 'openticket.finished is never sent, so the sequence hangs.'
    expect(err).toContain(`warning: subscription s to ${type}: ${problem}`)
    const json = await run('hangs.yaml', 'event.json', '--json')
    expect(JSON.parse(json.out)).toMatchObject({ warnings: [{ subscriptionID: 's' }] })
  })

  it.each([
    ['missing.yaml', 'event.json', 'Check the path.'],
    ['good.yaml', 'missing.json', 'Check the path.'],
    ['good.yaml', 'broken.json', 'is not JSON'],
    ['broken.yaml', 'event.json', 'the webhook configuration is not YAML'],
    ['good.yaml', 'other.json', 'has no subscription for sh.keptn.event.other.triggered'],
  ])('%s with %s exits with 2 and prints one line', async (config, event, sentence) => {
    const { code, err } = await run(config, event)
    expect([code, err]).toEqual([2, expect.stringContaining(sentence)])
    expect(err.trim().split('\n')).toHaveLength(1)
  })
})

describe('webhooks sequence', () => {
  let receiver: FakeReceiver
  afterEach(() => receiver?.close())

  const argsOf = (args: string[]) => {
    const keptn = ['--keptn-url', `${receiver.url}/keptn`, '--keptn-token', apiToken]
    return ['sequence', '--url', receiver.url, '--token', callerToken, ...keptn, ...args]
  }
  const run = (...args: string[]): Promise<Ended> => webhooks(argsOf(args))
  /** Presses Ctrl-C as soon as a text is printed. */
  const interrupt = (seen: string, ...args: string[]): Promise<Ended> => {
    const { child, ended } = spawnWebhooks(argsOf(args), {})
    let out = ''
    child.stdout.on('data', function read(chunk) {
      out += chunk
      if (!out.includes(seen)) return
      child.stdout.off('data', read)
      child.kill('SIGINT')
    })
    return ended
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
    const { out, ...ended } = await run('incident')
    expect(ended).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/incident passed \(keptnContext [\da-f-]{36}\)\n$/)
    expect(out).not.toContain(callerToken)
    expect(receiver.calls[0]?.headers['authorization']).toBe(`Bearer ${callerToken}`)
  })

  it('runs the sequence in a folder and exits with 1 if it does not pass', async () => {
    receiver = await startReceiver(() => ({ status: 500, body: 'out of order' }))
    const { code, out } = await run('--file', join(sequences, 'incident'))
    expect([code, out]).toEqual([1, expect.stringMatching(/out of order[\s\S]*incident did not pass/)])
  })

  it('lists the tasks that are still running at Ctrl-C, warns about their events and exits with 130', async () => {
    receiver = await startReceiver(() => accepted)
    cpSync(join(sequences, 'incident'), folder, { recursive: true })
    const file = join(folder, 'webhook.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('mode=interactive', 'mode=silent'))
    const { code, out, err } = await interrupt('HTTP 202', '--file', folder)
    expect([code, out]).toEqual([130, expect.stringContaining('Interrupted. Still running:')])
    expect(out).toContain('production openticket  task t-1  https://h.example/v1/issue-ticketing/tasks/t-1')
    expect(err).toContain('openticket.finished is never sent, so the sequence hangs.')
  })

  it("warns that Keptn's API would reject an event without a source", async () => {
    receiver = await startReceiver(() => ({ status: 500 }))
    const file = join(folder, 'no-source')
    cpSync('infra/tools/create/template/sequences/incident', file, { recursive: true })
    const { source, ...event } = JSON.parse(readFileSync(join(file, 'event.json'), 'utf8'))
    expect(source).toBe('my-webhooks')
    writeFileSync(join(file, 'event.json'), JSON.stringify(event))
    const { code, err } = await run('--file', file)
    expect([code, err]).toEqual([1, expect.stringContaining("has no source, so Keptn's API would reject it.")])
  })

  it('lists the sequences with their stages and tasks', async () => {
    const line = 'release +staging: deployment, test, evaluation; production: approval, deployment, evaluation'
    const { code, out } = await webhooks(['sequence', '--list'])
    expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`^${line}$`, 'm'))])
    const listed = JSON.parse((await webhooks(['sequence', '--list', '--json'])).out)
    expect(listed).toContainEqual({ name: 'slo', stages: [{ stage: 'production', tasks: ['evaluation'] }] })
  })

  it('exits with 2 if the receiver does not respond', async () => {
    receiver = await startReceiver(() => accepted)
    await receiver.close()
    const err = `Cannot connect to ${receiver.url}. Run npm start, or pass --url.\n`
    expect(await run('slo')).toMatchObject({ code: 2, err })
  })

  it('exits with 2 if the token of the Keptn API is invalid', async () => {
    receiver = await startReceiver(() => accepted)
    const err = expect.stringMatching(/answered 401 to POST \/record; check --keptn-token\.\n$/)
    expect(await run('slo', '--keptn-token', 'wrong')).toMatchObject({ code: 2, err })
  })
})
