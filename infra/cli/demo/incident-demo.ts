import { loadSequence, type SequenceFiles } from '../../sandbox/keptn/sequence-files.ts'
import type { IncidentSummary } from '../../sandbox/platforms/servicenow/incident-summary.ts'
import type { MessageSummary } from '../../sandbox/platforms/slack/responses.ts'
import type { FlagSummary } from '../../sandbox/platforms/unleash/page.ts'
import type { Demo, Effects } from './demo.ts'
import type { DemoRuntime } from './demo-runtime.ts'
import { playInRuntime, WITH_KEPTN } from './sequence-demo.ts'

const FLAG = 'slow-recommendations'
const PROBLEM = 'Response time of casdemoapp above 500 ms'

/** An incident: a problem opens an incident, a flag is turned off, the service is evaluated, and people are notified. */
export function incidentDemo(): Demo {
  return {
    ...WITH_KEPTN,
    async play(runtime, print) {
      print(`problem  ${PROBLEM}. The monitoring reports it to Keptn, which starts a sequence`)
      const ended = await playInRuntime(
        runtime,
        {
          files: incident(),
          explanations: {
            'production openticket': 'ServiceNow opens an incident for the problem',
            'production toggleflag': `Unleash turns the flag ${FLAG} off`,
            'production evaluation': 'Dynatrace says whether the service meets its objective',
            'production notify': 'Slack notifies people of the problem, with a link to the incident',
          },
        },
        print,
      )
      const found = await effects(runtime)
      print(`chat     releases: ${found.message}`)
      return { ...ended, ...found.effects }
    },
    expected: { passed: true, results: 3, incidents: 1, isFlagOn: false, messages: 1 },
  }
}

/** The included sequence. Its own problem has a title with every special character. */
function incident(): SequenceFiles {
  const files = loadSequence('incident')
  const { event } = files
  const problem = { ...Object(event.data['incident']), ProblemTitle: PROBLEM }
  return { ...files, event: { ...event, data: { ...event.data, incident: problem } } }
}

async function effects(runtime: DemoRuntime): Promise<{ effects: Effects; message: string }> {
  const incidents = await runtime.list<IncidentSummary[]>('sandbox/incidents')
  const flags = await runtime.list<FlagSummary[]>('sandbox/flags')
  const messages = await runtime.list<MessageSummary[]>('sandbox/messages')
  const production = flags.find(({ name }) => name === FLAG)?.environments.find(({ name }) => name === 'production')
  return {
    message: messages[0]?.text ?? '',
    effects: {
      incidents: incidents.filter(({ short_description }) => short_description.includes(PROBLEM)).length,
      isFlagOn: production?.enabled ?? false,
      messages: messages.filter(({ blocks }) => blocks.some((text) => text.includes(incidents[0]?.url ?? ''))).length,
    },
  }
}
