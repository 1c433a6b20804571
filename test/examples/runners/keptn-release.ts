import { approveInSandbox } from '../../../infra/cli/approve-in-sandbox.ts'
import { keptnEventLog } from '../../../infra/sandbox/keptn/event-log.ts'
import { playSequence } from '../../../infra/sandbox/keptn/player.ts'
import { loadSequence } from '../../../infra/sandbox/keptn/sequence-files.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import type { Setting } from './example.ts'

/** A simulated Keptn runs the sequences of shipyard.yaml, and calls as webhook.yaml says. */
export async function keptnRelease(): Promise<Setting> {
  return {
    scenarios: [
      {
        title: 'event.json starts the release',
        async run({ url }, timeline) {
          let printed = Promise.resolve()
          const { passed, tasks } = await playSequence({
            files: loadSequence('release'),
            url,
            token: demo.callerToken,
            log: keptnEventLog(`${url}/sandbox/keptn`, demo.keptnToken),
            print: (line) => {
              printed = printed.then(async () => {
                if (line.includes('.finished')) await timeline.received()
                // Without the time.
                timeline.say('keptn', line.replace(/^\S+ +/, ''))
              })
            },
            onAccepted: approveInSandbox({ url, autoApproveReason: 'this is a demonstration' }),
          })
          await printed
          return `${tasks.map(({ name, outcome }) => `${name} ${outcome?.result}`).join(', ')}: ${passed ? 'passed' : 'did not pass'}`
        },
        expected:
          'deployment pass, test pass, evaluation pass, approval pass, deployment pass, evaluation pass: passed',
      },
    ],
  }
}
