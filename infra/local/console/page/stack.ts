/** The deployed stack that the page shows. Undefined for the local runtime. */
export const stack = stackOf(document.documentElement.dataset)

interface Stack {
  name: string
  region: string
  account: string
  /** The name of the user, who acts as an operator: `operator jane`. Undefined if the page is read-only. */
  operator: string | undefined
}

function stackOf({ stack: name, region = '', account = '', operator }: DOMStringMap): Stack | undefined {
  return name === undefined ? undefined : { name, region, account, operator }
}

/** Whether the page copies commands instead of acting. */
export const isReadOnly = stack !== undefined && stack.operator === undefined

/** Returns the command that does something with a task of the stack. */
export function taskCommand(task: { category: string; id: string }, command: 'rerun' | 'cancel' | 'answer'): string {
  const name = `${task.category}/${task.id} --stack ${stack?.name ?? ''}`
  return command === 'answer' ? `npx webhooks answer ${name} --again` : `npx webhooks tasks ${name} --${command}`
}
