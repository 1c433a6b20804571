import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import type { Service } from '../../e2e/service.ts'
import { readTemplate, runTemplate } from '../../e2e/workflow-runner.ts'
import { startEnvironment } from '../../platforms/dynatrace/environment-server.ts'
import type { Setting, Timeline } from './example.ts'
import { callersOf, tokenOf } from './files.ts'

/** Starts workflow.yaml. */
export const problem = {
  'event.kind': 'DAVIS_PROBLEM',
  'event.status': 'ACTIVE',
  'event.status_transition': 'CREATED',
  'event.category': 'SLOWDOWN',
  'event.id': '-8104716342_1V2',
  display_id: 'P-26117',
  'event.name': 'Response time degradation of "checkout"',
}

/** Dynatrace runs workflow.yaml for a problem. */
export async function dynatraceProblem(): Promise<Setting> {
  const template = readTemplate('examples/dynatrace-problem/workflow.yaml')
  const environment = await startEnvironment()

  const run = async (service: Service, timeline: Timeline) => {
    const { error } = await runTemplate(template, {
      environment,
      url: service.url,
      token: tokenOf('dynatrace'),
      event: problem,
      execution: environment.automation.start(demo.workflows.release).id,
      send: timeline.fetchAs('dynatrace'),
    })
    const issues = (await service.issues()).filter(({ body }) => body.includes(problem.display_id))
    const comments = issues.flatMap((issue) => issue.comments).filter(({ body }) => body.includes('production is off'))
    const flags: { name: string; environments: { name: string; enabled: boolean }[] }[] = await service.list('flags')
    const flag = flags.find(({ name }) => name === 'slow-recommendations')
    const isOn = flag?.environments.find(({ name }) => name === 'production')?.enabled
    return error ?? `issues: ${issues.length}, comments: ${comments.length}, flag: ${isOn ? 'on' : 'off'}`
  }
  const expected = 'issues: 1, comments: 1, flag: off'
  return {
    platforms: { dynatrace: environment },
    options: { secrets: callersOf('dynatrace-problem/README.md') },
    scenarios: [
      { title: 'A slowdown', run, expected },
      { title: 'The workflow starts again for the same problem', run, expected },
    ],
  }
}
