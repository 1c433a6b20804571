import { randomUUID } from 'node:crypto'
import { parse } from 'yaml'
import type { Service } from '../../e2e/service.ts'
import { startGrafanaK6 } from '../../functions/load-testing/grafana-k6/fake.ts'
import { startGithubApp } from '../../platforms/github/app-server.ts'
import type { Setting, Timeline } from './example.ts'
import { commandsOf, HOST, optionOf, PREFIX, read, runCli } from './files.ts'

/** GitHub asks the App that setup.sh creates whether a job of deploy.yml may deploy. */
export async function githubGate(): Promise<Setting> {
  const [github, k6] = await Promise.all([startGithubApp(), startGrafanaK6()])
  const [connect = [], manifest = []] = commandsOf('github-gate-k6/setup.sh')
  const [gate = '', action = ''] = [manifest[2], optionOf(manifest, '--action')]
  const { hook_attributes: hook, default_events: events } = JSON.parse(await runCli([...manifest, '--print']))
  const { deploy } = parse(read('github-gate-k6/deploy.yml')).jobs

  const decide = (result: 'passed' | 'failed') => async (service: Service, timeline: Timeline) => {
    const { payload, environment } = github.startRun(deploy.environment)
    const { headers, body } = github.signed(events[0], payload, randomUUID())
    const started = k6.state.runs.length
    timeline.say('github', `a job waits at the environment ${environment.name}`)
    await timeline.fetchAs('github')(hook.url.replace(HOST, service.url), { method: 'POST', headers, body })
    await service.until(() => k6.state.runs.length > started, 'the start of the load test')
    await timeline.received()
    timeline.say('k6', `the load test ${result}`)
    k6.enter('running')
    k6.enter('completed', { result })
    await service.until(() => environment.decision !== null, 'the decision')
    await timeline.received()
    timeline.say('github', `shows ${environment.comments.at(-1)}`)
    return String(environment.decision)
  }

  return {
    platforms: { github, k6 },
    options: {
      secrets: {
        [`${PREFIX}/callers`]: {
          [gate]: { tokens: [], categories: [action.split('/')[0]], allow: [action], orchestrator: gate },
        },
        [`${PREFIX}/orchestrators/${gate}`]: {
          type: 'github',
          ...github.settings,
          caller: gate,
          repositories: [optionOf(manifest, '--repositories')],
        },
        [`${PREFIX}/connections/${connect[1]}`]: {
          ...JSON.parse(read(`../${optionOf(connect, '--from-file')}`)),
          baseUrl: k6.url,
          token: k6.token,
          stackId: k6.stackId,
        },
      },
    },
    scenarios: [
      { title: 'The load test passes', run: decide('passed'), expected: 'approved' },
      { title: 'The load test fails', run: decide('failed'), expected: 'rejected' },
    ],
  }
}
