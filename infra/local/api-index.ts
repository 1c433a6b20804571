import { actionNames } from '../../shared/providers/category.ts'
import { categories } from '../project/categories.ts'

/** Returns the URLs of the local runtime: the response for `/`, unless the client prefers the console. */
export function apiIndex(url: string) {
  return {
    categories: categories.map((category) => ({
      name: category.name,
      actions: actionNames(category).map((action) => `${url}/v1/${category.name}/${action}`),
    })),
    openapi: `${url}/v1/openapi.json`,
    tasks: `${url}/tasks`,
    events: `${url}/sandbox/events`,
    issues: `${url}/sandbox/issues`,
    incidents: `${url}/sandbox/incidents`,
    flags: `${url}/sandbox/flags`,
    runs: `${url}/sandbox/runs`,
    toxics: `${url}/sandbox/toxics`,
    messages: `${url}/sandbox/messages`,
    /** Web page with the buttons of the messages. */
    chat: `${url}/sandbox/slack`,
    tickets: `${url}/sandbox/tickets`,
    tool: `${url}/sandbox/tool`,
    slos: `${url}/sandbox/slos`,
    /** Web page that changes the values of the SLOs. */
    objectives: `${url}/sandbox/dynatrace`,
    reports: `${url}/sandbox/reports`,
    requests: `${url}/sandbox/requests`,
    faults: `${url}/sandbox/faults`,
    /** Web page for people. */
    console: `${url}/console/index.html`,
  }
}
