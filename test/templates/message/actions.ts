import { messageOf, templates } from '../../../functions/notification/templates/index.ts'
import { pushMessage } from '../../../shared/providers/push-update.ts'

type Template = keyof typeof templates
const names = Object.keys(templates) as [Template, ...Template[]]

export const actions = {
  'push-message': pushMessage({ summary: 'Sends a message', templates: names, compose: messageOf }),
}
