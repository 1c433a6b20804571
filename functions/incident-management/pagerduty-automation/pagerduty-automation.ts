import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider } from '../../../shared/providers/job.ts'
import { pagerdutyApi, pagerdutyConnection } from '../../../shared/vendors/pagerduty.ts'

const incidentResponse = z.object({ incident: z.object({ id: z.string(), html_url: z.string() }) })
const invocationResponse = z.object({
  invocation: z.object({ id: z.string(), state: z.string(), duration: z.nullish(z.number()) }),
})

/** An invocation takes no other parameters. */
const PARAMETER_NAMES = ['incident_id', 'alert_id']

/**
 * PagerDuty Automation Actions, which run for an incident.
 *
 * An invocation cannot store an idempotency key, so a repeated call cannot find it, and a start is never retried after a lost
 * response.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json
 */
export const pagerdutyAutomation = defineJobProvider({
  title: 'PagerDuty',
  noun: 'invocation',
  notifiedBy: { type: 'pagerduty', wakeId: ({ id }) => id },
  connection: z.strictObject({
    ...pagerdutyConnection,
    target: optional(word('Id of the default action')),
  }),
  ...pagerdutyApi,

  states: {
    prepared: 'running',
    created: 'running',
    sent: 'running',
    queued: 'running',
    running: 'running',
    // PagerDuty cannot read the state at the moment.
    unknown: 'running',
    completed: 'pass',
    error: 'errored',
    aborted: 'aborted',
  },

  checkStart({ target, project, ref, parameters = {} }) {
    if (!/^[A-Za-z0-9]{5,40}$/.test(target)) {
      throw invalidInput('input.target', 'must be the id of an action, such as 01DAW70HK24JZORNE0P9C2V1L9')
    }
    if (project !== undefined) throw invalidInput('input.project', 'is not supported: actions have no project. Omit it')
    if (ref !== undefined) throw invalidInput('input.ref', 'is not supported: actions have no versions. Omit it')
    for (const [name, value] of Object.entries(parameters)) {
      const path = `input.parameters.${name}`
      if (!PARAMETER_NAMES.includes(name)) {
        throw invalidInput(path, `is not supported. Actions take ${PARAMETER_NAMES.join(' and ')}`)
      }
      if (typeof value !== 'string' || value === '') throw invalidInput(path, 'must be an id such as Q02JTSNZWHSEKV')
    }
    if (parameters['incident_id'] === undefined) {
      throw invalidInput(
        'input.parameters.incident_id',
        'is missing: an action runs for an incident. Set its id, such as {{.data.openticket.id}}',
      )
    }
  },

  async start({ http }, { target, parameters = {} }) {
    const path = `incidents/${segment(String(parameters['incident_id']))}`
    const { incident } = (await http.get(path, { schema: incidentResponse })).body
    const metadata = { ...parameters, incident_id: incident.id }
    const { body } = await http.post(
      `automation_actions/actions/${segment(target)}/invocations`,
      { invocation: { metadata } },
      { schema: invocationResponse },
    )
    return { id: body.invocation.id, url: incident.html_url }
  },

  async getStatus({ http }, { id }) {
    const path = `automation_actions/invocations/${segment(id)}`
    const { state, duration } = (await http.get(path, { schema: invocationResponse })).body.invocation
    const measured: Record<string, number> = typeof duration === 'number' ? { duration } : {}
    return { state, data: measured, metrics: measured }
  },
})
