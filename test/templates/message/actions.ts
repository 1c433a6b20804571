import { messageOf, templates } from '../../../functions/notification/templates/index.ts'
import { pushMessage } from '../../../shared/providers/push-update.ts'

type Template = keyof typeof templates
const names = Object.keys(templates) as [Template, ...Template[]]

export const actions = {
  'push-message': pushMessage({ summary: 'Tells people what happens', templates: names, compose: messageOf }),
}
