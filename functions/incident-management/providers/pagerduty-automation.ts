import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider } from '../../../shared/providers/job.ts'
import { pagerdutyApi, pagerdutyConnection } from '../../../shared/vendors/pagerduty.ts'

const incidentAnswer = z.object({ incident: z.object({ id: z.string(), html_url: z.string() }) })
const invocationAnswer = z.object({
  invocation: z.object({ id: z.string(), state: z.string(), duration: z.nullish(z.number()) }),
})

/** What an invocation takes: all else is set in the action itself. */
const parameterNames = ['incident_id', 'alert_id']

/**
 * Automation Actions of PagerDuty, each run for an incident.
 *
 * An invocation has no place for the key of a call, and those of an action on an incident look alike whoever ran them; so
 * none can be found again, and a start is never repeated.
 *
 * @see https://github.com/PagerDuty/api-schema/blob/main/reference/REST/openapiv3.json
 */
export const pagerdutyAutomation = defineJobProvider({
  title: 'PagerDuty',
  noun: 'invocation',
  connection: z.strictObject({
    ...pagerdutyConnection,
    target: optional(word('Default action, by its id')),
  }),
  ...pagerdutyApi,

  states: {
    prepared: 'running',
    created: 'running',
    sent: 'running',
    queued: 'running',
    running: 'running',
    // PagerDuty could not see the state just now.
    unknown: 'running',
    completed: 'pass',
    error: 'errored',
    aborted: 'aborted',
  },

  checkStart({ target, project, ref, parameters = {} }) {
    if (!/^[A-Za-z0-9]{5,40}$/.test(target)) {
      throw invalid('target', 'no action: write its id, like 01DAW70HK24JZORNE0P9C2V1L9')
    }
    if (project !== undefined) throw invalid('project', 'of no use, since actions are in no project: leave it out')
    if (ref !== undefined) throw invalid('ref', 'of no use, since actions have no versions: leave it out')
    for (const [name, value] of Object.entries(parameters)) {
      const path = `parameters.${name}`
      if (!parameterNames.includes(name)) {
        throw invalid(path, `nothing that an action takes: it takes ${parameterNames.join(' and ')}`)
      }
      if (typeof value !== 'string' || value === '') throw invalid(path, 'no id: write it like Q02JTSNZWHSEKV')
    }
    if (parameters['incident_id'] === undefined) {
      throw invalid(
        'parameters.incident_id',
        'missing: an action is run for an incident, so write its id, like {{.data.openticket.id}}',
      )
    }
  },

  async start({ http }, { target, parameters = {} }) {
    const path = `incidents/${segment(String(parameters['incident_id']))}`
    const { incident } = (await http.get(path, { schema: incidentAnswer })).body
    const metadata = { ...parameters, incident_id: incident.id }
    const { body } = await http.post(
      `automation_actions/actions/${segment(target)}/invocations`,
      { invocation: { metadata } },
      { schema: invocationAnswer },
    )
    return { id: body.invocation.id, url: incident.html_url }
  },

  async getStatus({ http }, { id }) {
    const path = `automation_actions/invocations/${segment(id)}`
    const { state, duration } = (await http.get(path, { schema: invocationAnswer })).body.invocation
    const measured: Record<string, number> = typeof duration === 'number' ? { duration } : {}
    return { state, data: measured, metrics: measured }
  },
})

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
