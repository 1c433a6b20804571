import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import { type Outcome, verdictOf } from '../../outcome.ts'
import type { Link, Message } from '../../text/message.ts'
import { plainSingleLine, webLinks } from '../../text/plain-text.ts'
import { installationClient } from '../../vendors/clients/github-app.ts'
import {
  type CheckRunFields,
  createCheckRun,
  findCheckRun,
  updateCheckRun,
} from '../../vendors/clients/github-checks.ts'
import { checkSummary } from '../../vendors/clients/github-markdown.ts'
import type { Answer, AnsweredTask, Delivery } from '../orchestrator.ts'
import type { CommitAddress } from './address.ts'
import { MAX_REFUSED_ATTEMPTS, REFUSALS } from './limits.ts'
import type { GitHubSettings } from './secret.ts'

/** Load this module with `import()`: only answers to GitHub need it. */

const PERMISSIONS = { checks: 'write' } as const
const MAX_TITLE = 200

/** Sends an answer as the check run of a commit. Its external id is the id of the task. */
export async function answerCommit(
  settings: GitHubSettings,
  address: CommitAddress,
  task: AnsweredTask,
  answer: Answer,
  uncertainAttempts: number,
): Promise<Delivery> {
  if (answer.kind === 'heartbeat') return 'sent'
  const http = installationClient(settings, address, PERMISSIONS)
  const fields = { name: settings.checkName ?? `${task.category}/${task.action}`, ...stateOf(task, answer, settings) }
  try {
    const existing = await findCheckRun(http, address, { name: fields.name, externalId: task.id })
    // GitHub counts only the newest check run with a name, so a second one is better than none.
    if (!existing || existing === 'unknown') await createCheckRun(http, address, { ...fields, external_id: task.id })
    // A completed check run was completed by a later answer.
    else if (answer.kind === 'finished' || !existing.conclusion)
      await updateCheckRun(http, address.repository, existing.id, fields)
    return 'sent'
  } catch (error) {
    const isRefused = error instanceof Failure && REFUSALS.includes(error.response?.status ?? 0)
    if (!isRefused || uncertainAttempts + 1 < MAX_REFUSED_ATTEMPTS) throw error
    log.warn('answer refused', { kind: error.kind, reason: error.message })
    return 'unwanted'
  }
}

function stateOf(
  task: AnsweredTask,
  answer: Exclude<Answer, { kind: 'heartbeat' }>,
  settings: GitHubSettings,
): Omit<CheckRunFields, 'name'> {
  if (answer.kind !== 'finished') {
    const title = answer.kind === 'started' ? 'Started' : plainSingleLine(answer.message, MAX_TITLE)
    return { status: 'in_progress', output: { title, summary: summaryOf(task, title, []) } }
  }
  const { outcome } = answer
  const links = webLinks(Object.entries(outcome.links).map(([label, url]) => ({ label, url })))
  const [main] = links
  return {
    status: 'completed',
    conclusion: conclusionOf(outcome, settings),
    ...(main ? { details_url: main.url } : {}),
    output: {
      title: plainSingleLine(outcome.message, MAX_TITLE) || outcome.result,
      summary: summaryOf(task, outcome.message, links),
    },
  }
}

function summaryOf({ id, category, action }: AnsweredTask, text: string, links: Link[]): string {
  const message: Message = {
    mood: 'neutral',
    title: '',
    text,
    fields: [
      { name: 'Action', value: `${category}/${action}` },
      { name: 'Task', value: id },
    ],
    links,
  }
  return checkSummary(message)
}

/** GitHub counts neutral as passed. */
function conclusionOf(outcome: Outcome, { onWarning }: GitHubSettings): CheckRunFields['conclusion'] {
  switch (verdictOf(outcome)) {
    case 'pass':
      return 'success'
    case 'warning':
      return onWarning === 'approve' ? 'neutral' : 'failure'
    case 'aborted':
      return 'cancelled'
    default:
      return 'failure'
  }
}
