/** The deployed stack that the page shows, read-only. Undefined for the local runtime. */
export const stack = stackOf(document.documentElement.dataset)

function stackOf({ stack: name, region }: DOMStringMap): { name: string; region: string } | undefined {
  return name === undefined ? undefined : { name, region: region ?? '' }
}

/** Returns the command that does something with a task of the stack. */
export function taskCommand(task: { category: string; id: string }, what: 'rerun' | 'cancel' | 'answer'): string {
  const name = `${task.category}/${task.id} --stack ${stack?.name ?? ''}`
  return what === 'answer' ? `npx webhooks answer ${name} --again` : `npx webhooks tasks ${name} --${what}`
}
