import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { type ApprovalDecision, approve, decideApproval } from '../../../infra/keptn/approval-service.ts'
import { endsSequence, outcomeOf } from '../../../infra/keptn/counting.ts'
import { nextEventData } from '../../../infra/keptn/event-data.ts'
import { type JsonObject, type KeptnEvent, newEvent } from '../../../infra/keptn/events.ts'

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
}

const fixture = new URL('../../fixtures/keptn-component-vectors.json', import.meta.url)
const { approvals, outcomes, merges } = JSON.parse(readFileSync(fixture, 'utf8')) as Vectors

describe("Keptn's approval-service", () => {
  it.each(approvals)('decides like the real one: $name', ({ data, decision }) => {
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
  it.each(outcomes)('makes the outcome of a task like the real one: $name', (vector) => {
    const outcome = outcomeOf(vector.finished)
    expect({ status: outcome.status, result: outcome.result, continues: !endsSequence(outcome) }).toEqual({
      status: vector.status,
      result: vector.result,
      continues: vector.continues,
    })
  })

  it.each(merges)('merges the data for the next task like the real one: $name', (vector) => {
    const outcome = { status: 'succeeded', result: 'pass', message: '' }
    const finished = vector.finished.map((data) => ({ outcome, data }))
    const next = vector.properties && { name: 'a', properties: vector.properties }
    const { status, result, ...data } = nextEventData(vector.trigger, finished, next)
    expect(data).toEqual(vector.expected)
  })
})
