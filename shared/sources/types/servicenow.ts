import * as z from 'zod/mini'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** States of resolved, closed and canceled records, as ServiceNow delivers its tables. */
const ENDS: Record<string, readonly string[]> = { incident: ['6', '7', '8'], change_request: ['3', '4'] }
const DECISIONS = ['approved', 'rejected']

/** @param credentials the statement that sets those of the message */
function ruleWith(credentials: string): string {
  return `Create a business rule for incident, and one for change_request: when async, on update, with the condition current.state.changes() || current.approval.changes(), and the script:
(function executeRule(current, previous) {
  var message = new sn_ws.RESTMessageV2('CloudAutomationWebhooks', 'Default POST');
  ${credentials}
  message.setRequestHeader('X-Caw-Id', gs.generateGUID());
  message.setRequestBody(JSON.stringify({table: current.getTableName(), sys_id: current.getUniqueValue(),
    state: current.getValue('state'), approval: current.getValue('approval')}));
  message.setHttpTimeout(10000);
  message.executeAsync();
})(current, previous);`
}

/** ServiceNow has no webhooks of its own: a business rule sends them. */
export const servicenow = defineSourceType({
  title: 'ServiceNow',
  token: ['bearer'],
  basic: true,
  deliveryHeader: 'x-caw-id',
  body: z.object({ table: eventWord, sys_id: eventId, state: z.nullish(eventId), approval: z.nullish(eventWord) }),
  read({ table, sys_id, state, approval }) {
    return {
      event: [table, state, approval].filter(Boolean).join('.'),
      runs: [sys_id],
      ended: (ENDS[table] ?? []).includes(state ?? '') || DECISIONS.includes(approval ?? ''),
    }
  },
  setup: [
    {
      token: 'Store the token as the system property caw.token of the type password2: {secret}',
      password: 'Store the password as the system property caw.password of the type password2: {secret}',
    },
    {
      token: `Open System Web Services > Outbound > REST Message, and create CloudAutomationWebhooks with the endpoint {url} and the HTTP method "Default POST". Add the headers Content-Type: application/json and Authorization: Bearer \${token}`,
      password:
        'Open System Web Services > Outbound > REST Message, and create CloudAutomationWebhooks with the endpoint {url} and the HTTP method "Default POST". Add the header Content-Type: application/json',
    },
    {
      token: ruleWith("message.setStringParameterNoEscape('token', gs.getProperty('caw.token'));"),
      password: ruleWith("message.setBasicAuth('{user}', gs.getProperty('caw.password'));"),
    },
  ],
})
