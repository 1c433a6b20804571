interface State {
  Type: 'Task' | 'Succeed' | 'Fail'
  Resource?: string
  Parameters?: { FunctionName: string; Payload: Record<string, unknown> }
  ResultPath?: string
  Retry?: { ErrorEquals: string[]; MaxAttempts: number }[]
  Catch?: { ErrorEquals: string[]; ResultPath: string; Next: string }[]
  Next?: string
}
export interface Definition {
  StartAt: string
  States: Record<string, State>
}

/** A state failed with an error of the states language. */
export class StateError extends Error {
  override name = 'StateError'
  readonly error: string
  constructor(error: string, cause: string) {
    super(cause)
    this.error = error
  }
}

interface Services {
  execution: string
  /**
   * Invokes a function.
   *
   * @throws StateError if the function fails
   */
  invoke(functionName: string, payload: Record<string, unknown>): Promise<unknown>
  /** Returns a task token, and a function that waits for the result that is sent to it. */
  createToken(): { token: string; result: () => Promise<unknown> }
}

/**
 * Runs a state machine whose states invoke functions.
 *
 * @returns the names of the states in their order
 * @see https://states-language.net/spec.html
 */
export async function runStateMachine(
  { StartAt, States }: Definition,
  input: Record<string, unknown>,
  services: Services,
): Promise<string[]> {
  const data = structuredClone(input)
  const entered: string[] = []
  for (let name: string | undefined = StartAt; name !== undefined; ) {
    const state: State | undefined = States[name]
    if (!state) throw new Error(`The state ${name} does not exist.`)
    entered.push(name)
    name = state.Type === 'Task' ? await runTask(state, data, services) : undefined
  }
  return entered
}

/** Returns the next state. */
async function runTask(state: State, data: Record<string, unknown>, services: Services): Promise<string | undefined> {
  for (let attempts = 0; ; attempts++) {
    try {
      set(data, state.ResultPath, await invoke(state, data, services))
      return state.Next
    } catch (error) {
      if (!(error instanceof StateError)) throw error
      const isSame = ({ ErrorEquals }: { ErrorEquals: string[] }) =>
        ErrorEquals.some((name) => name === 'States.ALL' || name === error.error)
      if (attempts < (state.Retry?.find(isSame)?.MaxAttempts ?? 0)) continue
      const catcher = state.Catch?.find(isSame)
      if (!catcher) throw error
      set(data, catcher.ResultPath, { Error: error.error, Cause: error.message })
      return catcher.Next
    }
  }
}

async function invoke({ Resource, Parameters }: State, data: object, services: Services): Promise<unknown> {
  if (!Parameters) throw new Error('The state has no Parameters.')
  const { token, result } = services.createToken()
  const context = { Task: { Token: token }, Execution: { Id: services.execution } }
  const payload = resolve(Parameters.Payload, { data, context }) as Record<string, unknown>
  const returned = await services.invoke(Parameters.FunctionName, payload)
  if (Resource === 'arn:aws:states:::lambda:invoke') return { Payload: returned }
  if (Resource === 'arn:aws:states:::lambda:invoke.waitForTaskToken') return result()
  throw new Error(`Cannot run the resource ${Resource}`)
}

type Documents = Record<'data' | 'context', unknown>

/** Replaces each field whose name ends in `.$` with the value of its expression. */
function resolve(value: unknown, documents: Documents): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const fields = Object.entries(value).map(([name, content]) =>
    name.endsWith('.$') ? [name.slice(0, -2), evaluate(content, documents)] : [name, resolve(content, documents)],
  )
  return Object.fromEntries(fields)
}

function evaluate(expression: string, documents: Documents): unknown {
  const [, format, list] = /^States\.Format\('([^']*)', (.+)\)$/.exec(expression) ?? []
  if (format !== undefined && list !== undefined) {
    const values = list.split(', ').map((path) => evaluate(path, documents))
    return format.replace(/\{\}/g, () => String(values.shift()))
  }
  if (!/^\$?\$(\.\w+)+$/.test(expression)) throw new Error(`Cannot evaluate ${expression}`)
  const isContext = expression.startsWith('$$')
  let value: unknown = isContext ? documents.context : documents.data
  for (const name of expression.split('.').slice(1)) value = (value as Record<string, unknown> | undefined)?.[name]
  if (value === undefined) throw new Error(`${expression} has no value`)
  return value
}

function set(data: Record<string, unknown>, path = '$', value: unknown): void {
  const [, name] = /^\$\.(\w+)$/.exec(path) ?? []
  if (name === undefined) throw new Error(`Cannot set ${path}`)
  data[name] = value
}
