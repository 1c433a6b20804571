import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { type ApprovalDecision, approve, decideApproval } from '../../../../infra/sandbox/keptn/approval-service.ts'
import { endsSequence, outcomeOf } from '../../../../infra/sandbox/keptn/counting.ts'
import { finishedData, type KeptnTaskResult, nextEventData } from '../../../../infra/sandbox/keptn/event-data.ts'
import { isObject, type JsonObject, type KeptnEvent, newEvent } from '../../../../infra/sandbox/keptn/events.ts'
import { preview } from '../../../../infra/sandbox/keptn/preview.ts'
import type { GoObject } from '../../../../infra/sandbox/keptn/template/values.ts'

interface Vectors {
  approvals: { name: string; data: JsonObject; decision: ApprovalDecision }[]
  outcomes: { name: string; finished: JsonObject[]; status: string; result: string; continues: boolean }[]
  merges: {
    name: string
    trigger: JsonObject
    finished: JsonObject[]
    properties?: JsonObject
    expected: JsonObject
  }[]
  requests: {
    name: string
    version?: string
    request: unknown
    event?: JsonObject
    env?: Record<string, string>
    outcome: 'runs' | 'refused' | 'dropped'
    text?: string
    data?: string
  }[]
}

/** The data of the trigger, the tasks (name, properties, data of each finished event), and the data of each event. */
type MergeVector = [
  trigger: JsonObject,
  tasks: [name: string, properties: JsonObject | null, ...finished: JsonObject[]][],
  expected: JsonObject[],
]

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8'))
const { approvals, outcomes, merges, requests } = fixture('keptn-component-vectors.json') as Vectors
const generated: MergeVector[] = fixture('keptn-merge-vectors.json').merges

describe("Keptn's approval-service", () => {
  it.each(approvals)('decides like the original: $name', ({ data, decision }) => {
    expect(decideApproval(data)).toBe(decision)
  })

  const sentFor = async (data: JsonObject): Promise<KeptnEvent[]> => {
    const sent: KeptnEvent[] = []
    const type = 'sh.keptn.event.approval.triggered'
    await approve(newEvent({ type, source: 'a-test', shkeptncontext: 'c', data }), async (event) => {
      sent.push(event)
    })
    return sent
  }

  it('approves automatically with pass after a warning', async () => {
    const [started, finished] = await sentFor({ result: 'warning', approval: { warning: 'automatic' } })
    expect(started?.type).toBe('sh.keptn.event.approval.started')
    expect(finished?.data).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  it('waits for a person if there is no result', async () => {
    const sent = await sentFor({ approval: { pass: 'automatic', warning: 'automatic' } })
    expect(sent.map(({ type }) => type)).toEqual(['sh.keptn.event.approval.started'])
  })
})

describe("Keptn's shipyard-controller", () => {
  it.each(outcomes)('computes the outcome of a task like the original: $name', (vector) => {
    const outcome = outcomeOf(vector.finished)
    expect({ status: outcome.status, result: outcome.result, continues: !endsSequence(outcome) }).toEqual({
      status: vector.status,
      result: vector.result,
      continues: vector.continues,
    })
  })

  it.each(merges)('merges the data for the next task like the original: $name', (vector) => {
    const outcome = { status: 'succeeded', result: 'pass', message: '' }
    const finished = vector.finished.map((data) => ({ outcome, data }))
    const next = vector.properties && { name: 'a', properties: vector.properties }
    const { status, result, ...data } = nextEventData(vector.trigger, finished, next)
    expect(data).toEqual(vector.expected)
  })
})

/** Returns the data of each triggered event of a sequence, and the data after its last task. */
function dataOfSequence(trigger: JsonObject, tasks: MergeVector[1]): JsonObject[] {
  const outcome = { status: 'succeeded', result: 'pass', message: '' }
  const results: KeptnTaskResult[] = []
  const sent = tasks.map(([name, properties, ...finished]) => {
    const data = nextEventData(trigger, results, properties ? { name, properties } : { name })
    const event = { type: `sh.keptn.event.${name}.finished`, source: 'a-test', shkeptncontext: 'c', triggeredid: 't' }
    const events = finished.map((data) => newEvent({ ...event, data }))
    results.push({ outcome, data: finishedData(events, 't') })
    return data
  })
  return [...sent, nextEventData(trigger, results)].map(({ status, result, ...data }) => data)
}

it("the shipyard-controller merges a thousand generated sequences like Keptn's code", () => {
  expect(generated).toHaveLength(1000)
  const differing = generated.flatMap(([trigger, tasks, expected]) => {
    const data = dataOfSequence(trigger, tasks)
    return isDeepStrictEqual(data, expected) ? [] : [{ trigger, tasks, expected, data }]
  })
  expect(differing).toEqual([])
})

describe("Keptn's webhook-service", () => {
  const type = 'sh.keptn.event.openticket.triggered'
  const place = { project: 'demo', stage: 'production', service: 'shop' }

  const configOf = (request: unknown, version = 'v1beta1'): string =>
    JSON.stringify({
      apiVersion: `webhookconfig.keptn.sh/${version}`,
      kind: 'WebhookConfig',
      spec: { webhooks: [{ type, subscriptionID: 's', requests: [request] }] },
    })

  const eventOf = ({ data, ...fields }: JsonObject): GoObject => ({
    type,
    ...fields,
    data: { ...place, ...(isObject(data) ? data : {}) },
  })

  it.each(requests)('handles a request like the original: $name', (vector) => {
    const made = preview(configOf(vector.request, vector.version), eventOf(vector.event ?? {}), vector.env)
    const result = 'results' in made ? made.results[0] : undefined
    const argv = result && 'argv' in result ? result.argv : undefined
    const refused = result && 'refused' in result ? result.refused : undefined
    const outcome = argv ? 'runs' : refused === undefined ? Object.keys(made)[0] : 'refused'
    expect(outcome).toBe(vector.outcome)
    if (vector.text !== undefined) expect(refused).toBe(vector.text)
    if (vector.data !== undefined) expect(argv?.[argv.indexOf('--data') + 1]).toBe(vector.data)
  })
})
