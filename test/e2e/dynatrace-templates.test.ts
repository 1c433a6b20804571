import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { parseDql } from '../../infra/platforms/dynatrace/dql.ts'
import { type EnvironmentServer, startEnvironment } from '../../infra/platforms/dynatrace/environment-server.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { continued, type DynatraceCaller, dynatraceSecrets, startService } from './dynatrace-service.ts'
import { type Service, until } from './service.ts'
import { readTemplate, renderWith, runTemplate } from './workflow-runner.ts'

const { release } = demo.workflows
let service: Service
let environment: EnvironmentServer
beforeAll(async () => {
  environment = await startEnvironment()
  service = await startService(environment)
})
afterAll(async () => {
  await service.end()
  await environment.close()
})
beforeEach(() => {
  environment.recover()
  environment.empty()
  environment.calls.splice(0)
})
afterEach(() => expect(dynatraceSecrets.filter((secret) => service.output.includes(secret))).toEqual([]))

const waitFor = <T>(find: () => T | undefined, what: string): Promise<T> =>
  until(
    async () => find() !== undefined,
    30,
    () => `${what}\n${service.output.slice(-4_000)}`,
  ).then(() => find() as T)
const templateOf = (name: string) => readTemplate(`docs/dynatrace/${name}.yaml`)
const run = (
  name: string,
  token: DynatraceCaller,
  more: { execution?: string; event?: Record<string, unknown> } = {},
) => {
  const execution = more.execution ?? environment.automation.start(release).id
  return runTemplate(templateOf(name), { ...{ environment, url: service.url, token, execution }, ...more })
}

describe('The template', () => {
  it('resume.yaml calls, pauses with the client of the vendor, and continues with the verdict', async () => {
    const { execution, results, error } = await run('resume', 'token-for-resume')
    expect(error).toBeUndefined()
    expect(results).toMatchObject({
      load_test: { status: 202 },
      read_result: { json: { verdict: 'pass', category: 'load-testing' } },
      passed: { released: true },
    })
    expect(environment.automation.get(execution)?.state).toBe('SUCCESS')
  })

  it('run.yaml gets the result as its input after call.yaml', async () => {
    await run('call', 'token-for-run')
    const next = await waitFor(() => continued(environment)[0], 'the continuation')
    const { results } = await run('run', 'token-for-run', { execution: next.id })
    expect(results).toMatchObject({ read_result: { task: 'load_test', verdict: 'pass' }, passed: { released: true } })
    const statuses = environment.grail.events().map((event) => event['event.status'])
    expect(statuses).toEqual(['started', 'finished'])
  })

  it('event.yaml is started once by the event after call.yaml', async () => {
    await run('call', 'token-for-event')
    const { filterQuery, uniqueExpression } = templateOf('event').workflow.trigger.eventTrigger ?? {}
    const query = parseDql(`fetch events | filter ${filterQuery}`)
    if (typeof query === 'string') throw new Error(query)
    const event = await waitFor(() => query.run(environment.grail.events())[0], 'the event')
    const known = { execution: '', event, results: {}, token: '' }
    expect(renderWith(uniqueExpression ?? '', known)).toBe(`${event['task.id']}-finished`)
    const { results } = await run('event', 'token-for-event', { event })
    expect(results).toEqual({ passed: { released: true } })
  })
})
