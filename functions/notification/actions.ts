import { requestApproval } from '../../shared/approvals/action.ts'
import { closeApproval } from '../../shared/approvals/close-action.ts'
import { pushMessage } from '../../shared/providers/push-update.ts'
import { messageOf, templates } from './templates/index.ts'

type Template = keyof typeof templates
const names = Object.keys(templates) as [Template, ...Template[]]

export const actions = {
  'push-update': pushMessage({ summary: 'Posts a message about an event', templates: names, compose: messageOf }),
  'ask-approval': requestApproval({
    summary: 'Asks for approval and waits for the decision',
    compose: messageOf,
  }),
  'close-approval': closeApproval,
}
