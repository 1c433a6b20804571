import { similarName, suggestName } from './validate.ts'

/** Verbs with the same effect, which other tools use for the verb of an action. */
const VERBS = [
  ['start', 'trigger', 'run', 'open', 'ask', 'request', 'create', 'begin', 'launch', 'execute', 'invoke', 'add', 'new'],
  ['stop', 'cancel', 'close', 'end', 'abort', 'finish', 'kill', 'terminate', 'resolve'],
  ['set', 'toggle', 'switch', 'turn', 'flip', 'enable', 'disable'],
  ['update', 'change', 'edit', 'modify', 'comment'],
  ['push', 'send', 'post', 'publish', 'notify'],
]
const NOUNS = [
  ['ticket', 'issue', 'incident', 'problem'],
  ['test', 'loadtest', 'experiment', 'fault', 'attack', 'chaos'],
  ['flag', 'feature', 'toggle'],
  ['deployment', 'deploy', 'release'],
  ['build', 'pipeline', 'workflow', 'job', 'run'],
  ['runbook', 'playbook', 'automation', 'remediation'],
  ['model', 'optimization', 'tuning', 'study'],
  ['evaluation', 'evaluate', 'slo'],
  ['update', 'message', 'notification'],
]

/** `Unknown action "trigger-test". Did you mean "start-test"? Actions: start-test, ..` */
export function unknownAction(name: string, known: readonly string[]): string {
  return suggestName('action', name, known, meantAction(name, known))
}

/** Returns the action with the same meaning, else the one with a similar name and no other meaning. */
function meantAction(name: string, known: readonly string[]): string | undefined {
  const { verb, noun } = split(name)
  const kind = groupOf(VERBS, verb)
  if (kind === undefined)
    return similarName(name, known) ?? known.find((action) => isSameNoun(verb, split(action).noun))
  const sameVerb = known.filter((action) => kind.includes(split(action).verb))
  // An action without a noun, such as `cancel`, is for everything in its category.
  const sameNoun = sameVerb.filter(
    (action) => [noun, split(action).noun].includes('') || isSameNoun(noun, split(action).noun),
  )
  return sameNoun.find((action) => split(action).noun === noun) ?? sameNoun[0] ?? similarName(name, sameVerb)
}

function split(action: string): { verb: string; noun: string } {
  const [verb = '', ...noun] = action.toLowerCase().split(/[-_]/)
  return { verb, noun: noun.join('-') }
}

function isSameNoun(written: string, noun: string): boolean {
  const names = groupOf(NOUNS, written) ?? [singular(written)]
  return noun !== '' && names.includes(singular(noun))
}

function groupOf(groups: readonly string[][], word: string): string[] | undefined {
  return groups.find((group) => group.includes(singular(word)))
}

function singular(noun: string): string {
  return noun.replace(/s$/, '')
}
