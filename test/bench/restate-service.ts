// A service of Restate that makes the same requests as our task: look for the issue, open it, send the result.
// Its SDK is installed with the server, outside the project.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

export interface ServiceTask {
  /** The folder in which the SDK is installed. */
  folder: string
  port: number
  /** The API of repositories, and of events. */
  github: string
  keptn: string
  headers: { github: Record<string, string>; keptn: Record<string, string> }
}

/** The part of the SDK that is used. */
interface Sdk {
  service(definition: {
    name: string
    handlers: Record<string, (context: Context, input: Input) => Promise<unknown>>
  }): object
  serve(options: { services: object[]; port: number }): Promise<number>
}
interface Context {
  run<Result>(name: string, action: () => Promise<Result>): Promise<Result>
}
interface Input {
  id: string
  repository: string
  title: string
  finished: object
}

const task: ServiceTask = JSON.parse(process.argv[2] ?? '{}')
const sdk: Sdk = await import(
  pathToFileURL(createRequire(`${task.folder}/package.json`).resolve('@restatedev/restate-sdk')).href
)

async function request(url: string, headers: Record<string, string>, body?: object): Promise<unknown> {
  const json = { ...headers, 'content-type': 'application/json' }
  const response = await fetch(url, body ? { method: 'POST', headers: json, body: JSON.stringify(body) } : { headers })
  if (!response.ok) throw new Error(`Status ${response.status}`)
  return response.json()
}

async function run(context: Context, { id, repository, title, finished }: Input): Promise<number> {
  const issues = `${task.github}/repos/${repository}/issues`
  const issue = await context.run('open', async () => {
    const found = (await request(`${issues}?state=all`, task.headers.github)) as { number: number; body: string }[]
    const earlier = found.find(({ body }) => body.includes(id))
    return earlier ?? ((await request(issues, task.headers.github, { title, body: id })) as { number: number })
  })
  await context.run('result', async () => {
    await request(`${task.keptn}/v1/event`, task.headers.keptn, finished)
  })
  return issue.number
}

await sdk.serve({ services: [sdk.service({ name: 'tasks', handlers: { run } })], port: task.port })
process.send?.('ready')
