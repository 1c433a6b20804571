import * as z from 'zod/mini'
import { defineSourceType, eventWord } from '../source-type.ts'

/** @see https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook */
export const zabbix = defineSourceType({
  title: 'Zabbix',
  token: ['bearer'],
  deliveryHeader: 'webhook-id',
  body: z.object({ problem: eventWord, update: eventWord }),
  read: ({ problem, update }) => ({ event: update === '1' ? 'update' : problem === '1' ? 'problem' : 'recovery' }),
  alerts: {
    firing: "problem == '1' && update == '0'",
    resolved: "problem == '0'",
    // A recovery has the id of the event of the problem, too.
    key: 'event',
  },
  setup: [
    'Add the global macro {$WEBHOOKS.TOKEN} of the type secret text: {secret}',
    'Open Alerts > Media types, and create one of the type Webhook. Attempts: 100, with the interval 1m, so that an outage of 90 minutes loses nothing.',
    `Parameters of the media type:
url {url}
token {$WEBHOOKS.TOKEN}
event {EVENT.ID}
problem {EVENT.VALUE}
update {EVENT.UPDATE.STATUS}
trigger {TRIGGER.ID}
host {HOST.HOST}
name {EVENT.NAME}
severity {EVENT.NSEVERITY}
tags {EVENT.TAGSJSON}`,
    `Script of the media type:
var p = JSON.parse(value), request = new HttpRequest(), tags = []
try { tags = JSON.parse(p.tags) } catch (error) {}
request.addHeader('Content-Type: application/json')
request.addHeader('Authorization: Bearer ' + p.token)
request.addHeader('webhook-id: ' + [p.event, p.problem, p.update].join('-'))
var response = request.post(p.url, JSON.stringify({event: p.event, problem: p.problem, update: p.update,
  trigger: p.trigger, host: p.host, name: p.name, severity: p.severity, tags: tags}))
if (request.getStatus() < 200 || request.getStatus() > 299) throw 'Status ' + request.getStatus() + ': ' + response
return 'OK'`,
    'Create a message template for "Problem" and "Problem recovery" of the media type. Its text is not sent.',
    'Add the media type to a user, and an action for triggers that sends to that user: in its operations and in its recovery operations.',
  ],
})
