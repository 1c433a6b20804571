import { dynatrace, dynatraceSecret } from '../../../shared/orchestrators/dynatrace/dynatrace.ts'
import type { Answer, AnsweredTask } from '../../../shared/orchestrators/orchestrator.ts'
import { passed } from '../../../shared/outcome.ts'
import type { Case, Subject } from '../cases.ts'

const execution = '0b1a5b6e-8c5e-4a2e-9c0a-2f2f6a0f5f11'
const workflow = 'c1f0a1d2-4b3c-4d5e-8f60-1a2b3c4d5e6f'
const outcome = passed('Passed: 0 errors', { id: '7' }, { k6: 'https://k6.example.com/runs/7' })
const finished: Answer = { kind: 'finished', outcome, at: Date.UTC(2026, 10, 27) }
const task: AnsweredTask = {
  ...{ id: '5f0c', caller: 'dynatrace', category: 'load-testing', action: 'start-test', labels: true },
  event: { id: `${execution}/load_test`, context: execution, stage: 'staging', labels: {} },
}
const large: Answer = { ...finished, outcome: { ...outcome, data: { log: 'x'.repeat(100_000) } } }

const run: Subject['run'] = async (url, row) => {
  const settings = dynatraceSecret.parse({
    ...{ type: 'dynatrace', baseUrl: url, token: 'dt0s16.ABCDEFGH.0123456789ABCDEF', workflows: [workflow] },
    ...{ ingestUrl: url, ingestToken: 'dt0c01.ABCDEFGH.0123456789ABCDEF' },
    ...row.connection,
  })
  const orchestrator = dynatrace(settings)
  if (row.action === 'check') {
    await orchestrator.check()
    return 'checked'
  }
  return orchestrator.send(task, (row.input as { answer: Answer }).answer, 0)
}
const send = (how: string, way: string, answer: Answer, more: Partial<Case> = {}): Case => ({
  ...{ action: 'send', how, input: { answer }, connection: { answer: [way] } },
  ...more,
})
const refused = { status: 400, body: { error: { code: 400, message: 'The execution is not paused' } } }

/** The answers by resume and run. */
export const workflowsAnswered: Subject = {
  name: 'dynatrace',
  contract: 'dynatrace-automation',
  answers: {
    'GET /platform/automation/v1/executions': { body: { count: 1, results: [bodyOf('RUNNING')] } },
    'GET /platform/automation/v1/workflows/{id}': { body: { id: workflow, title: 'Continue' } },
  },
  cases: [
    { action: 'check', how: 'resume' },
    { action: 'check', how: 'run', connection: { answer: ['run'] } },
    send('finished to a paused execution', 'resume', finished, {
      answers: { 'GET /platform/automation/v1/executions/{id}': [{ body: bodyOf('PAUSED') }] },
    }),
    send(
      'finished before the pause',
      'resume',
      { ...finished, at: Date.now() },
      {
        answers: {
          'GET /platform/automation/v1/executions/{id}': [{ body: bodyOf('RUNNING') }],
          'POST /platform/automation/v1/executions/{id}/resume': [refused],
        },
        refused: true,
        says: 'not paused',
      },
    ),
    send('finished', 'run', finished),
    send('finished with more than is sent', 'run', large),
    send('finished again', 'run', finished, {
      answers: {
        'POST /platform/automation/v1/workflows/{id}/run': [{ status: 202, body: bodyOf('RUNNING') }],
      },
    }),
  ],
  run,
}

/** The answers by event. */
export const eventsIngested: Subject = {
  name: 'dynatrace',
  contract: 'dynatrace-guardian',
  cases: [
    { action: 'check', how: 'events', connection: { answer: ['event'] } },
    send('started', 'event', { kind: 'started', at: Date.UTC(2026, 10, 27) }),
    send('finished', 'event', finished),
  ],
  run,
}

function bodyOf(state: string): object {
  return {
    ...{ id: execution, workflow, state, runtime: 3, actor: 'an-actor', title: 'Release', triggerType: 'Manual' },
    ...{ workflowVersion: 1, workflowType: 'STANDARD', parentExecution: null, parentTaskName: null },
  }
}
