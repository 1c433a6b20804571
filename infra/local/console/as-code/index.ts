import { Failure } from '../../../../shared/errors.ts'
import { UsageError } from '../../../project/usage-error.ts'
import { curlCommand } from '../curl-command.ts'
import { type CodeText, type DraftCall, readDraft } from './draft-call.ts'
import { githubStep } from './github.ts'
import { keptnWebhook } from './keptn.ts'
import { stateMachine } from './step-functions.ts'

/** A call as code of an engine, or why the engine cannot make it. */
export type CodeView = { engine: string; place: string } & (CodeText | { refusal: string })

interface NewCall {
  category: string
  action: string
  query: string
  body: Record<string, unknown>
}

/** Returns a call as a command and as code of the engines. None of them contains a token. */
export function codeOf(url: string, { category, action, query, body }: NewCall): CodeView[] {
  const target = `${category}/${action}`
  const engine = (write: (call: DraftCall) => CodeText) => () => write(readDraft(target, query, body))
  const curl = () => {
    const address = `${url}/v1/${target}${query === '' ? '' : `?${query}`}`
    const type = 'application/json'
    return { text: curlCommand({ method: 'POST', url: address, type, body: JSON.stringify(body, null, 2) }) }
  }
  return [
    view('curl', 'POSIX shell. WEBHOOKS_TOKEN has the token.', curl),
    view('Keptn', 'webhook.yaml of a project, see docs/deploy.md', engine(keptnWebhook)),
    view('GitHub', 'Step of a workflow, see docs/callers/github-actions.md', engine(githubStep)),
    view('Step Functions', 'Standard state machine, see docs/step-functions.md', engine(stateMachine)),
  ]
}

function view(engine: string, place: string, write: () => CodeText): CodeView {
  try {
    return { engine, place, ...write() }
  } catch (error) {
    if (error instanceof Failure || error instanceof UsageError) return { engine, place, refusal: error.message }
    throw error
  }
}
